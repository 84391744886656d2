#include "translate/claude_models.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include <understudy/base/ascii.hpp>

namespace understudy::translate {
namespace {

/// 4.5 is 405.
constexpr int version(int major, int minor) { return major * 100 + minor; }

/// A number of at most two digits at the front; a date is none.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [behind, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(behind - text.data());
  if (error != std::errc{} || length > 2 || value < 0) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

/// Of what follows the family's name: `-4-5-20251101`. Nothing where there is no number.
std::optional<int> version_in(std::string_view text) {
  if (!text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto major = take_number(text);
  if (!major) return std::nullopt;
  int minor = 0;
  if (text.starts_with('-') || text.starts_with('.')) {
    text.remove_prefix(1);
    minor = take_number(text).value_or(0);
  }
  return version(*major, minor);
}

claude_model model_of(int v, int effort_from) {
  claude_model out;
  out.has_effort = v >= effort_from;
  out.has_schema = v >= version(4, 5);
  out.has_sampling = v < version(4, 7);
  out.has_both_samplings = v < version(4, 1);
  out.thinks_unasked = v >= version(5, 0);
  return out;
}

}  // namespace

claude_model claude_model_of(std::string_view name) {
  struct family {
    std::string_view name;
    int effort_from;
  };
  constexpr std::array families{family{"opus", version(4, 5)}, family{"sonnet", version(4, 6)},
                                family{"haiku", version(5, 0)}};
  const auto lower = base::lower(name);
  for (const std::string_view newest : {"fable", "mythos"})
    if (lower.find(newest) != std::string::npos) return model_of(version(5, 0), version(5, 0));
  for (const auto& f : families) {
    const auto at = lower.find(f.name);
    if (at == std::string::npos) continue;
    const auto v = version_in(std::string_view{lower}.substr(at + f.name.size()));
    return v ? model_of(*v, f.effort_from) : claude_model{};
  }
  return {};
}

}  // namespace understudy::translate
