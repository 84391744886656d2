#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <understudy/trace/context.hpp>

namespace understudy::trace {

enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 };  // OTLP's numbers

struct attribute {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool, std::span<const std::string>> value;
};

struct span_event {
  std::string_view name;
  std::int64_t at = 0;
  std::vector<attribute> attributes;
};

/// A span that has ended, on its way into an encoder. Texts are views; what has no owner of its
/// own is kept by keep(). Reused: clear() keeps the memory of the lists.
struct span {
  trace_id trace;
  span_id id = 0, parent = 0;
  bool is_parent_remote = false;
  std::string_view state;
  std::string_view name;
  span_kind kind = span_kind::internal;
  std::int64_t start = 0, end = 0;  ///< nanoseconds since the epoch
  std::vector<attribute> attributes;
  std::vector<span_event> events;
  bool is_error = false;
  std::string_view message;  ///< of the error

  void set(std::string_view key, std::string_view value) { attributes.push_back({key, value}); }
  void set(std::string_view key, const char* value) { set(key, std::string_view{value}); }
  void set(std::string_view key, bool value) { attributes.push_back({key, value}); }
  void set(std::string_view key, std::int64_t value) { attributes.push_back({key, value}); }
  void set(std::string_view key, double value) { attributes.push_back({key, value}); }
  void set(std::string_view key, std::span<const std::string> value) {
    attributes.push_back({key, value});
  }
  /// Nothing where the text is empty.
  void set_known(std::string_view key, std::string_view value) {
    if (!value.empty()) set(key, value);
  }
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  void clear();

 private:
  std::deque<std::string> kept_;
};

}  // namespace understudy::trace
