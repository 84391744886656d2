#include "config/field_words.hpp"

namespace understudy::config {

std::string text_type(const text_rules& rules) {
  std::string out;
  for (const auto choice : rules.choices)
    if (!choice.empty()) out += (out.empty() ? "`" : ", `") + std::string{choice} + "`";
  return out.empty() ? "text" : out;
}

std::string number_type(const number_rules& rules) {
  if (rules.max == number_rules{}.max)
    return rules.min == 0 ? "number" : "number from " + std::to_string(rules.min);
  return std::to_string(rules.min) + " to " + std::to_string(rules.max);
}

std::string number_text(std::uint64_t value) {
  return value == 0 ? std::string{} : std::to_string(value);
}

std::string duration_text(std::chrono::milliseconds value) {
  const auto count = value.count();
  if (count == 0) return {};
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
  return std::to_string(count) + "ms";
}

}  // namespace understudy::config
