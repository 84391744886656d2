#include "translate/messages_chat_builder.hpp"

#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>

#include "translate/dropped.hpp"

namespace understudy::translate {
namespace {

constexpr std::array<std::string_view, 17> carried_by_chat{
    "model",        "messages",      "system",        "max_tokens",  "stop_sequences", "stream",
    "temperature",  "top_p",         "tools",         "tool_choice", "metadata",       "thinking",
    "service_tier", "output_config", "output_format", "mcp_servers", "container"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view effort_of_budget(const json& budget) {
  if (!budget.is_number()) return "medium";
  const auto tokens = budget.get<double>();
  if (tokens < 4096) return "low";
  return tokens < 16384 ? "medium" : "high";
}

/// OpenAI has no more than high that all its models take.
std::string_view effort_of_word(std::string_view word) {
  if (word == "low" || word == "medium" || word == "high") return word;
  return word == "xhigh" || word == "max" ? "high" : std::string_view{};
}

}  // namespace

bool is_openai_reasoner(std::string_view model) {
  const auto slash = model.rfind('/');
  auto name = base::lower(slash == std::string_view::npos ? model : model.substr(slash + 1));
  if (name.starts_with("openai.")) name.erase(0, 7);
  if (name.starts_with("gpt-oss") || name.starts_with("codex")) return true;
  if (name.size() > 1 && name[0] == 'o' && is_digit(name[1]))
    return !name.starts_with("o1-mini") && !name.starts_with("o1-preview");
  if (!name.starts_with("gpt-") || name.find("-chat") != std::string::npos) return false;
  return name.size() > 4 && ((name[4] >= '5' && name[4] <= '9') ||
                             (name.size() > 5 && is_digit(name[4]) && is_digit(name[5])));
}

bool messages_chat_builder::refuse(std::string message, int status) {
  refusal_ = {status, "invalid request body: " + std::move(message)};
  return false;
}

void messages_chat_builder::drop(std::string_view name) { add_dropped(dropped_, name); }

bool messages_chat_builder::drop_or_refuse(std::string_view name, std::string message) {
  if (!may_drop_) return refuse(std::move(message) + " not supported by this backend");
  drop(name);
  return true;
}

bool messages_chat_builder::build(const json& request) {
  if (!check_members(request) || !add_system(request) || !add_messages(request)) return false;
  if (!add_sampling(request) || !add_tools(request) || !add_format(request)) return false;
  add_thinking(request);
  add_user_id(request);
  add_tier(request);
  return true;
}

bool messages_chat_builder::check_members(const json& request) {
  for (const auto& [name, value] : request.items()) {
    const bool is_carried = std::ranges::find(carried_by_chat, name) != carried_by_chat.end() ||
                            (name == "top_k" && is_extended_);
    if (!is_nothing(value) && !is_carried) drop(name);
  }
  for (const char* name : {"mcp_servers", "container"})
    if (const json* value = member(request, name); value != nullptr && !is_nothing(*value))
      if (!drop_or_refuse(name, std::string{"`"} + name + "` is")) return false;
  out_["model"] = model_;
  return true;
}

bool messages_chat_builder::add_sampling(const json& request) {
  if (const json* limit = member(request, "max_tokens")) {
    if (!limit->is_number_integer()) return refuse("`max_tokens` is not an integer", 400);
    // Nothing takes 0, by which Anthropic only fills its cache.
    if (*limit > 0) out_["max_completion_tokens"] = *limit;
  }
  for (const char* name : {"temperature", "top_p", "top_k"})
    if (const json* value = member(request, name)) {
      // OpenAI has none.
      if (name == std::string_view{"top_k"} && !is_extended_) continue;
      if (!value->is_number()) return refuse(std::string{"`"} + name + "` is not a number", 400);
      out_[name] = *value;
    }
  if (const json* stops = member(request, "stop_sequences")) {
    const auto is_text = [](const json& stop) { return stop.is_string(); };
    if (!stops->is_array() || !std::all_of(stops->begin(), stops->end(), is_text))
      return refuse("`stop_sequences` is not a list of strings", 400);
    if (!stops->empty()) out_["stop"] = *stops;
  }
  const json* stream = member(request, "stream");
  if (stream != nullptr && *stream == true) {
    out_["stream"] = true;
    out_["stream_options"] = {{"include_usage", true}};
  }
  return true;
}

/// OpenAI takes up to 64 characters; agents send longer ones.
void messages_chat_builder::add_user_id(const json& request) {
  const json* metadata = member(request, "metadata");
  if (metadata == nullptr || is_nothing(*metadata)) return;
  const auto user = text_member(*metadata, "user_id");
  if (!user.empty() && user.size() <= 64)
    out_["user"] = user;
  else
    drop("metadata");
}

void messages_chat_builder::add_tier(const json& request) {
  const auto tier = text_member(request, "service_tier");
  if (tier.empty()) return;
  out_["service_tier"] = tier == "standard_only" ? "default" : tier;
}

void messages_chat_builder::add_thinking(const json& request) {
  const json* thinking = member(request, "thinking");
  const auto type = thinking == nullptr ? std::string_view{} : text_member(*thinking, "type");
  const json* config = member(request, "output_config");
  const auto word = config == nullptr ? std::string_view{} : text_member(*config, "effort");
  if (is_extended_) {
    if (thinking != nullptr) out_["thinking"] = *thinking;
    if (!word.empty()) drop("output_config.effort");
    return;
  }
  const bool is_asked = type == "enabled" || type == "adaptive";
  if (!is_openai_reasoner(model_)) {
    if (is_asked) drop("thinking");
    if (!word.empty()) drop("output_config.effort");
    return;
  }
  auto effort = effort_of_word(word);
  if (effort.empty() && type == "enabled") {
    const json* budget = member(*thinking, "budget_tokens");
    effort = budget == nullptr ? "medium" : effort_of_budget(*budget);
  }
  if (!effort.empty()) out_["reasoning_effort"] = effort;
}

bool messages_chat_builder::add_format(const json& request) {
  const json* config = member(request, "output_config");
  if (config != nullptr && config->is_object())
    for (const auto& [name, value] : config->items())
      if (name != "effort" && name != "format") drop("output_config." + name);
  const json* format = config == nullptr ? nullptr : member(*config, "format");
  if (format == nullptr) format = member(request, "output_format");
  if (format == nullptr) return true;
  const json* schema = member(*format, "schema");
  if (text_member(*format, "type") != "json_schema" || schema == nullptr || !schema->is_object())
    return refuse("`output_config.format` is no json_schema with a schema", 400);
  json definition{{"name", "answer"}, {"schema", *schema}};
  if (fits_strict(*schema)) definition["strict"] = true;
  out_["response_format"] = {{"type", "json_schema"}, {"json_schema", std::move(definition)}};
  return true;
}

}  // namespace understudy::translate
