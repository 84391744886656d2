#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/http.hpp>
#include <understudy/trace/context.hpp>

namespace understudy::trace {

/// The formats of OTEL_PROPAGATORS that carry a trace. `baggage` is a field like any other: it
/// goes through as it is.
enum class propagator : std::uint8_t { tracecontext, b3, b3multi, jaeger };

std::optional<propagator> propagator_named(std::string_view name);

/// In the order in which they are read: the last that finds a context counts.
using propagators = std::vector<propagator>;

struct incoming {
  span_context context;
  /// A tracestate that is fit to go on; views into the head where it came in one field.
  std::string_view state;
};

/// The client's context, or nothing where it sent none or only malformed ones. `joined` is used
/// where the tracestate came in several fields and must live as long as the result.
std::optional<incoming> extract(const codec::field_list& fields, const propagators& wanted,
                                std::string& joined);

/// The fields of one upstream request. A field with an empty value is not sent; the client's of the
/// same name is never sent. Views into itself and into the tracestate given.
class carrier {
 public:
  carrier() = default;
  carrier(const carrier&) = delete;
  carrier& operator=(const carrier&) = delete;

  void inject(const span_context& context, std::string_view state, const propagators& wanted);
  std::span<const codec::field> fields() const { return {fields_.data(), count_}; }

 private:
  void add(std::string_view name, std::string_view value) { fields_[count_++] = {name, value}; }
  void inject_b3(const span_context& context);

  static constexpr std::size_t max_fields = 9;
  std::array<codec::field, max_fields> fields_;
  std::size_t count_ = 0;
  char traceparent_[traceparent_bytes];
  char b3_[32 + 1 + 16 + 2];
  char jaeger_[32 + 1 + 16 + 4];
};

}  // namespace understudy::trace
