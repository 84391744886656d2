#include "translate/converse_builder.hpp"

#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>

#include "translate/chat_request.hpp"
#include "translate/converse_request.hpp"

namespace understudy::translate {

base::result<converse_body, refusal> converse_request(std::string_view openai_body,
                                                      std::string_view model, bool may_drop) {
  refusal malformed;
  const auto request = request_object(openai_body, malformed);
  if (!request) return malformed;
  converse_builder builder{model, may_drop};
  if (!builder.build(*request)) return builder.why();
  converse_body out;
  out.json = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  if (const json* options = member(*request, "stream_options")) {
    const json* include = member(*options, "include_usage");
    out.has_usage_chunk = include != nullptr && include->is_boolean() && include->get<bool>();
  }
  return out;
}

converse_builder::converse_builder(std::string_view model, bool may_drop)
    : model_{model},
      is_claude_{base::lower(model).find("claude") != std::string::npos},
      losses_{may_drop} {
  out_ = json{{"messages", json::array()}, {"inferenceConfig", json::object()}};
}

bool converse_builder::refuse(std::string message, int status) {
  refusal_ = {status, "invalid request body: " + std::move(message)};
  return false;
}

bool converse_builder::lose(std::string_view name, std::string message) {
  return losses_.may_lose(name) || refuse(std::move(message));
}

namespace {

/// What is read somewhere below; anything else is told as dropped.
constexpr std::array<std::string_view, 24> carried{"model",
                                                   "messages",
                                                   "stream",
                                                   "stream_options",
                                                   "temperature",
                                                   "top_p",
                                                   "max_tokens",
                                                   "max_completion_tokens",
                                                   "stop",
                                                   "service_tier",
                                                   "thinking",
                                                   "reasoning_effort",
                                                   "response_format",
                                                   "tools",
                                                   "tool_choice",
                                                   "parallel_tool_calls",
                                                   "n",
                                                   "logprobs",
                                                   "top_logprobs",
                                                   "audio",
                                                   "functions",
                                                   "function_call",
                                                   "web_search_options",
                                                   "modalities"};

}  // namespace

bool converse_builder::build(const json& request) {
  losses_.drop_uncarried(request, carried);
  if (!check_expressible(request) || !add_inference(request) || !add_messages(request))
    return false;
  if (!add_tools(request) || !add_additional_fields(request)) return false;
  add_service_tier(request);
  return add_response_format(request);
}

bool converse_builder::check_expressible(const json& request) {
  auto found = only_of_openai(request);
  if (!found) return refuse(found.error(), 400);
  for (auto& [name, message] : *found)
    if (!lose(name, std::move(message))) return false;
  return true;
}

bool converse_builder::add_number(const json& request, const char* name, const char* target) {
  const json* value = member(request, name);
  if (value == nullptr) return true;
  if (!value->is_number()) return refuse(std::string{"`"} + name + "` is not a number", 400);
  out_["inferenceConfig"][target] = *value;
  return true;
}

bool converse_builder::add_inference(const json& request) {
  const auto limit = token_limit(request);
  if (!limit) return refuse(limit.error(), 400);
  auto& config = out_["inferenceConfig"];
  if (*limit != nullptr) config["maxTokens"] = **limit;
  return add_number(request, "temperature", "temperature") &&
         add_number(request, "top_p", "topP") && add_stop(request);
}

bool converse_builder::add_stop(const json& request) {
  auto texts = stop_texts(request);
  if (!texts) return refuse(texts.error(), 400);
  // Other models take white space alone.
  const auto is_blank_text = [](const json& text) { return is_blank(view_of(text)); };
  if (is_claude_ && std::erase_if(*texts, is_blank_text) > 0) losses_.drop("stop");
  if (!texts->empty()) out_["inferenceConfig"]["stopSequences"] = std::move(*texts);
  return true;
}

void converse_builder::add_service_tier(const json& request) {
  // OpenAI's `auto` and `scale` have no counterpart: they are the default.
  constexpr std::array<std::string_view, 4> known{"priority", "default", "flex", "reserved"};
  const auto tier = text_member(request, "service_tier");
  if (std::ranges::find(known, tier) != known.end())
    out_["serviceTier"] = {{"type", tier}};
  else if (!tier.empty() && tier != "auto")
    losses_.drop("service_tier");
}

bool converse_builder::add_additional_fields(const json& request) {
  if (const json* thinking = member(request, "thinking")) {
    const auto type = text_member(*thinking, "type");
    if (type != "enabled" && type != "disabled" && type != "adaptive")
      return refuse("`thinking.type` is none of enabled, disabled, adaptive");
    json value{{"type", type}};
    if (type == "enabled")
      if (const json* budget = member(*thinking, "budget_tokens")) value["budget_tokens"] = *budget;
    if (type != "disabled")
      if (const json* display = member(*thinking, "display")) value["display"] = *display;
    out_["additionalModelRequestFields"]["thinking"] = std::move(value);
  }
  const auto effort = text_member(request, "reasoning_effort");
  if (!effort.empty() && effort != "none")
    out_["additionalModelRequestFields"]["reasoning_config"] = effort;
  return true;
}

bool converse_builder::add_response_format(const json& request) {
  const json* format = member(request, "response_format");
  if (format == nullptr) return true;
  const auto type = text_member(*format, "type");
  if (type == "text") return true;
  if (type == "json_object") {
    out_["system"].push_back(
        {{"text", "Answer with one valid JSON object and nothing else: no prose, no code fence."}});
    return true;
  }
  if (type != "json_schema") return lose("response_format", "unsupported `response_format.type`");
  const json* definition = member(*format, "json_schema");
  const json* schema = definition == nullptr ? nullptr : member(*definition, "schema");
  if (schema == nullptr || !schema->is_object())
    return refuse("`response_format.json_schema.schema` is missing", 400);
  json structure{{"schema", dump_json(*schema)}};
  for (const char* name : {"name", "description"})
    if (const auto text = text_member(*definition, name); !text.empty()) structure[name] = text;
  out_["outputConfig"]["textFormat"] = {{"type", "json_schema"},
                                        {"structure", {{"jsonSchema", std::move(structure)}}}};
  return true;
}

}  // namespace understudy::translate
