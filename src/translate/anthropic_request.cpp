#include "translate/anthropic_request.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <understudy/base/ascii.hpp>

#include "translate/anthropic_builder.hpp"
#include "translate/chat_request.hpp"
#include "translate/dropped.hpp"

namespace understudy::translate {
namespace {

/// Members that the builder has read. What else the client sends is told as left out.
constexpr std::array<std::string_view, 25> read_members{"model",
                                                        "messages",
                                                        "stream",
                                                        "stream_options",
                                                        "max_tokens",
                                                        "temperature",
                                                        "top_p",
                                                        "top_k",
                                                        "stop",
                                                        "thinking",
                                                        "reasoning_effort",
                                                        "response_format",
                                                        "tools",
                                                        "tool_choice",
                                                        "user",
                                                        "service_tier",
                                                        "n",
                                                        "logprobs",
                                                        "parallel_tool_calls",
                                                        "top_logprobs",
                                                        "audio",
                                                        "modalities",
                                                        "functions",
                                                        "web_search_options",
                                                        "max_completion_tokens"};

}  // namespace

base::result<anthropic_body, refusal> anthropic_request(std::string_view openai_body,
                                                        const anthropic_target& target) {
  refusal malformed;
  const auto request = request_object(openai_body, malformed);
  if (!request) return malformed;
  anthropic_builder builder{target};
  if (!builder.build(*request)) return builder.why();
  anthropic_body out;
  out.json = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  if (const json* options = member(*request, "stream_options")) {
    const json* include = member(*options, "include_usage");
    out.has_usage_chunk = include != nullptr && include->is_boolean() && include->get<bool>();
  }
  return out;
}

anthropic_builder::anthropic_builder(const anthropic_target& target)
    : target_{target}, model_{claude_model_of(target.model)} {
  if (target.dialect == schema::anthropic)
    out_["model"] = target.model;
  else
    out_["anthropic_version"] = target.version;
}

bool anthropic_builder::refuse(std::string message, int status) {
  refusal_ = {status, "invalid request body: " + std::move(message)};
  return false;
}

bool anthropic_builder::lose(std::string_view name, std::string message) {
  if (!target_.may_drop) return refuse(std::move(message));
  drop(name);
  return true;
}

/// The names go into a header field, and some of them are the client's own.
void anthropic_builder::drop(std::string_view name) {
  constexpr std::size_t max_names = 32, max_bytes = 64;
  std::string plain{name.substr(0, max_bytes)};
  for (auto& c : plain)
    if (!is_id_character(c) && c != '.') c = '_';
  if (dropped_.size() < max_names && std::ranges::find(dropped_, plain) == dropped_.end())
    dropped_.push_back(std::move(plain));
}

bool anthropic_builder::build(const json& request) {
  if (!check_expressible(request) || !add_messages(request)) return false;
  if (!add_limit(request) || !add_sampling(request) || !add_stop(request)) return false;
  if (!add_reasoning(request) || !add_response_format(request)) return false;
  if (!system_.empty()) out_["system"] = std::move(system_);
  out_["messages"] = std::move(messages_);
  if (!add_tools(request)) return false;
  add_service_tier(request);
  add_user_id(request);
  // Bedrock's and Vertex's paths say it; Vertex wants it in the body, too.
  if (target_.stream && target_.dialect != schema::aws_anthropic) out_["stream"] = true;
  report_rest(request);
  return true;
}

bool anthropic_builder::check_expressible(const json& request) {
  auto found = only_of_openai(request);
  if (!found) return refuse(found.error(), 400);
  for (auto& [name, message] : *found)
    if (!lose(name, std::move(message))) return false;
  return true;
}

bool anthropic_builder::add_limit(const json& request) {
  const auto limit = token_limit(request);
  if (!limit) return refuse(limit.error(), 400);
  if (*limit != nullptr) {
    out_["max_tokens"] = **limit;
    return true;
  }
  // Thinking is part of the limit, and its budget must be less.
  std::int64_t budget = 0;
  const json* thinking = member(request, "thinking");
  const json* given = thinking == nullptr ? nullptr : member(*thinking, "budget_tokens");
  constexpr std::int64_t reasonable = 1 << 20;
  if (given != nullptr && given->is_number_integer() && *given > 0 && *given < reasonable)
    budget = given->get<std::int64_t>();
  out_["max_tokens"] = budget + default_max_tokens;
  return true;
}

bool anthropic_builder::add_sampling(const json& request) {
  for (const char* name : {"temperature", "top_p", "top_k"}) {
    const json* value = member(request, name);
    if (value == nullptr) continue;
    if (!value->is_number()) return refuse(std::string{"`"} + name + "` is not a number", 400);
    const bool is_second = !model_.has_both_samplings && std::string_view{name} == "top_p" &&
                           out_.contains("temperature");
    if (!model_.has_sampling || is_second)
      drop(name);
    else if (std::string_view{name} != "temperature")
      out_[name] = *value;
    else if (!add_temperature(*value))
      return false;
  }
  return true;
}

/// OpenAI's goes to 2. What 1.5 asks for has no counterpart; the nearest is told as not it.
bool anthropic_builder::add_temperature(const json& value) {
  const auto given = value.get<double>();
  if (given >= 0 && given <= 1) {
    out_["temperature"] = value;
    return true;
  }
  if (!lose("temperature", "`temperature` must be from 0 to 1 for this backend")) return false;
  out_["temperature"] = given > 1 ? 1 : 0;
  return true;
}

bool anthropic_builder::add_stop(const json& request) {
  auto texts = stop_texts(request);
  if (!texts) return refuse(texts.error(), 400);
  // Claude refuses white space alone.
  if (std::erase_if(*texts, [](const json& text) { return is_blank(view_of(text)); }) > 0)
    drop("stop");
  if (!texts->empty()) out_["stop_sequences"] = std::move(*texts);
  return true;
}

bool anthropic_builder::add_reasoning(const json& request) {
  if (const json* thinking = member(request, "thinking")) {
    const auto type = text_member(*thinking, "type");
    if (type != "enabled" && type != "disabled" && type != "adaptive")
      return refuse("`thinking.type` is none of enabled, disabled, adaptive");
    out_["thinking"] = *thinking;
  }
  const json* given = member(request, "reasoning_effort");
  if (given == nullptr) return true;
  auto effort = text_member(request, "reasoning_effort");
  if (effort == "minimal") effort = "low";
  constexpr std::array<std::string_view, 6> known{"none", "low", "medium", "high", "xhigh", "max"};
  if (std::ranges::find(known, effort) == known.end())
    return refuse("`reasoning_effort` is none of none, minimal, low, medium, high, xhigh, max");
  if (effort == "none" && !model_.thinks_unasked) return true;
  if (!model_.has_effort || effort == "none") {
    drop("reasoning_effort");
    return true;
  }
  out_["output_config"]["effort"] = effort;
  // The first model that had it still has it as a beta there.
  const bool is_first = base::lower(target_.model).find("opus-4-5") != std::string::npos;
  if (target_.dialect == schema::aws_anthropic && is_first)
    out_["anthropic_beta"] = json::array({"effort-2025-11-24"});
  return true;
}

bool anthropic_builder::add_response_format(const json& request) {
  const json* format = member(request, "response_format");
  if (format == nullptr) return true;
  const auto type = text_member(*format, "type");
  if (type == "text") return true;
  if (type == "json_schema") return add_schema(*format);
  if (type != "json_object") return refuse("unsupported `response_format.type`");
  append_text_block("Answer with one valid JSON object and nothing else: no prose, no code fence.",
                    system_);
  return true;
}

bool anthropic_builder::add_schema(const json& format) {
  const json* definition = member(format, "json_schema");
  const json* schema = definition == nullptr ? nullptr : member(*definition, "schema");
  if (schema == nullptr || !schema->is_object())
    return refuse("`response_format.json_schema.schema` is missing", 400);
  if (model_.has_schema) {
    out_["output_config"]["format"] = {{"type", "json_schema"}, {"schema", *schema}};
    return true;
  }
  if (!lose("response_format", "this model is not known to take a JSON schema for its answer"))
    return false;
  append_text_block(
      "Answer with one valid JSON value and nothing else: no prose, no code fence. "
      "It must be valid against this JSON schema: " +
          dump_json(*schema),
      system_);
  return true;
}

void anthropic_builder::add_service_tier(const json& request) {
  if (member(request, "service_tier") == nullptr) return;
  const auto tier = text_member(request, "service_tier");
  const bool is_standard = tier == "default" || tier == "standard_only";
  if (target_.dialect != schema::anthropic ||
      (!is_standard && tier != "auto" && tier != "priority"))
    return tier == "auto" ? void() : drop("service_tier");
  out_["service_tier"] = is_standard ? "standard_only" : "auto";
}

void anthropic_builder::add_user_id(const json& request) {
  constexpr std::size_t max_bytes = 256;
  // OpenAI has given `user` a second name.
  for (const char* name : {"user", "safety_identifier"}) {
    const auto id = text_member(request, name);
    if (id.empty()) continue;
    if (id.size() > max_bytes || out_.contains("metadata"))
      drop(name);
    else
      out_["metadata"] = {{"user_id", id}};
  }
}

void anthropic_builder::report_rest(const json& request) {
  for (const auto& [name, value] : request.items()) {
    const bool is_read =
        std::ranges::find(read_members, name) != read_members.end() || name == "safety_identifier";
    // 0 is a seed like any other.
    if (!is_read && (is_asked_for(value) || name == "seed") && !value.is_null()) drop(name);
  }
}

}  // namespace understudy::translate
