#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>

/// The part of the Common Expression Language that a cost needs (docs/configuration.md, costs):
/// int, uint, double, bool and string; arithmetic, comparison, `&& || ! ?:`, `in [..]`, conversions
/// and the string tests. Types are checked when it is compiled, as CEL's own checker does: there is
/// no mixed arithmetic. Pure; bounded in text, depth and steps.
namespace understudy::plan::cel {

inline constexpr std::size_t max_text_bytes = 4096;
inline constexpr std::size_t max_depth = 64;

/// What an expression may name. Counts are uint.
struct variables {
  std::string_view model, backend, route_name;
  std::uint64_t input_tokens = 0, cached_input_tokens = 0, cache_creation_input_tokens = 0;
  std::uint64_t output_tokens = 0, total_tokens = 0, reasoning_tokens = 0;
};

struct failure {
  std::size_t offset = 0;  ///< bytes into the text
  std::string message;     ///< what is wrong; what to write instead
};

enum class fault : std::uint8_t {
  none,
  division_by_zero,
  overflow,
  out_of_range,  ///< a conversion
  negative,      ///< the result
};
std::string_view name(fault f);

/// Immutable once made; any thread. Evaluation does not allocate.
class program {
 public:
  struct impl;
  explicit program(std::shared_ptr<const impl> compiled) : impl_{std::move(compiled)} {}

  /// The value of an expression that gives an int or a uint.
  base::result<std::uint64_t, fault> evaluate(const variables& with) const;

 private:
  std::shared_ptr<const impl> impl_;
};

/// Parses and checks. An expression that gives a double, a bool or a string is refused.
base::result<program, failure> compile(std::string_view text);

}  // namespace understudy::plan::cel
