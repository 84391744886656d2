#include <charconv>

#include <understudy/base/ascii.hpp>

#include "translate/gemini_builder.hpp"

/// Thinking, by model family: 2.5 has budgets of tokens, 3 and later have levels.
namespace understudy::translate {
namespace {

/// Least and most that Google's own mapping of `reasoning_effort` gives to the 2.5 family.
constexpr int low_budget = 1024;
constexpr int medium_budget = 8192;
constexpr int high_budget = 24576;
/// 2.5 Pro can't do without.
constexpr int least_pro_budget = 128;

const char* take_number(const char* at, const char* end, int& out) {
  const auto [behind, error] = std::from_chars(at, end, out);
  return error == std::errc{} && out >= 0 && out < 1000 ? behind : at;
}

}  // namespace

gemini_model gemini_model_named(std::string_view name) {
  gemini_model out;
  const auto lower = base::lower(name);
  out.is_flash = lower.find("flash") != std::string::npos;
  constexpr std::string_view family = "gemini-";
  const auto found = lower.find(family);
  if (found == std::string::npos) return out;
  const char* at = lower.data() + found + family.size();
  const char* end = lower.data() + lower.size();
  int major = 0;
  const char* behind = take_number(at, end, major);
  if (behind == at) return out;
  out.major = major;
  if (behind != end && *behind == '.') take_number(behind + 1, end, out.minor);
  if (out.minor < 0 || out.minor >= 1000) out.minor = 0;
  return out;
}

bool gemini_builder::add_thinking(const json& request) {
  if (const json* thinking = member(request, "thinking")) return add_thinking_type(*thinking);
  if (const auto effort = text_member(request, "reasoning_effort"); !effort.empty())
    add_effort(effort);
  return true;
}

bool gemini_builder::add_thinking_type(const json& thinking) {
  const auto type = text_member(thinking, "type");
  if (type == "disabled") {
    add_effort("none");
    return true;
  }
  if (type != "enabled" && type != "adaptive")
    return refuse("`thinking.type` is none of enabled, disabled, adaptive");
  if (!model_.is_at_least(2, 5) && model_.major != 0)
    return lose("thinking", "`thinking` is not supported by this model");
  json config{{"includeThoughts", text_member(thinking, "display") != "omitted"}};
  if (type == "enabled") {
    const json* budget = member(thinking, "budget_tokens");
    if (budget != nullptr && !budget->is_number_integer())
      return refuse("`thinking.budget_tokens` is not an integer", 400);
    if (budget != nullptr) config["thinkingBudget"] = *budget;
  }
  out_["generationConfig"]["thinkingConfig"] = std::move(config);
  return true;
}

void gemini_builder::add_effort(std::string_view effort) {
  const bool is_none = effort == "none";
  const bool is_minimal = effort == "minimal";
  const bool is_medium = effort == "medium";
  if (model_.has_levels()) {
    std::string_view level = "HIGH";  // also of `xhigh` and whatever comes after it
    if (is_none || is_minimal) {
      level = model_.is_flash ? "MINIMAL" : "LOW";
      // It thinks all the same, as little as it can.
      if (is_none && !model_.is_flash) tell_dropped("reasoning_effort");
    } else if (effort == "low") {
      level = "LOW";
    } else if (is_medium && (model_.is_flash || model_.is_at_least(3, 1))) {
      level = "MEDIUM";
    }
    out_["generationConfig"]["thinkingConfig"]["thinkingLevel"] = level;
  } else if (model_.is_at_least(2, 5)) {
    int budget = high_budget;
    if (is_none)
      budget = model_.is_flash ? 0 : least_pro_budget;
    else if (is_minimal || effort == "low")
      budget = low_budget;
    else if (is_medium)
      budget = medium_budget;
    if (is_none && !model_.is_flash) tell_dropped("reasoning_effort");
    out_["generationConfig"]["thinkingConfig"]["thinkingBudget"] = budget;
  } else if (!is_none) {
    tell_dropped("reasoning_effort");
  }
}

}  // namespace understudy::translate
