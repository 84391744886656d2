#include "translate/responses_request.hpp"

#include <algorithm>
#include <array>

#include "translate/dropped.hpp"
#include "translate/responses_builder.hpp"

namespace understudy::translate {
namespace {

/// Members that are read here, or whose echo says that they do not act.
constexpr std::array<std::string_view, 28> known_request_members{"background",
                                                                 "conversation",
                                                                 "include",
                                                                 "input",
                                                                 "instructions",
                                                                 "max_output_tokens",
                                                                 "metadata",
                                                                 "model",
                                                                 "moderation",
                                                                 "parallel_tool_calls",
                                                                 "previous_response_id",
                                                                 "prompt",
                                                                 "prompt_cache_key",
                                                                 "prompt_cache_retention",
                                                                 "reasoning",
                                                                 "safety_identifier",
                                                                 "service_tier",
                                                                 "store",
                                                                 "stream",
                                                                 "stream_options",
                                                                 "temperature",
                                                                 "text",
                                                                 "tool_choice",
                                                                 "tools",
                                                                 "top_logprobs",
                                                                 "top_p",
                                                                 "truncation",
                                                                 "user"};

bool is_true(const json& object, const char* name) {
  const json* found = member(object, name);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

json value_or(const json& object, const char* name, json otherwise) {
  const json* found = member(object, name);
  return found == nullptr ? std::move(otherwise) : *found;
}

json text_echo(const json& request) {
  json out = value_or(request, "text", json::object());
  if (member(out, "format") == nullptr) out["format"] = {{"type", "text"}};
  return out;
}

json reasoning_echo(const json& request) {
  const json given = value_or(request, "reasoning", json::object());
  return {{"effort", value_or(given, "effort", nullptr)}, {"summary", nullptr}};
}

std::string echo_of(const json& request) {
  json out{{"background", false}};
  for (const char* name : {"instructions", "max_output_tokens"})
    out[name] = value_or(request, name, nullptr);
  out["max_tool_calls"] = nullptr;
  out["metadata"] = value_or(request, "metadata", json::object());
  out["parallel_tool_calls"] = value_or(request, "parallel_tool_calls", true);
  out["previous_response_id"] = nullptr;
  out["prompt_cache_key"] = value_or(request, "prompt_cache_key", nullptr);
  out["reasoning"] = reasoning_echo(request);
  out["safety_identifier"] = value_or(request, "safety_identifier", nullptr);
  out["store"] = false;
  out["temperature"] = value_or(request, "temperature", nullptr);
  out["text"] = text_echo(request);
  out["tool_choice"] = value_or(request, "tool_choice", "auto");
  out["tools"] = value_or(request, "tools", json::array());
  for (auto& tool : out["tools"])
    for (const char* name : {"description", "parameters", "strict"})
      if (tool.is_object() && !tool.contains(name)) tool[name] = nullptr;
  out["top_logprobs"] = value_or(request, "top_logprobs", 0);
  out["top_p"] = value_or(request, "top_p", nullptr);
  out["truncation"] = "disabled";
  out["user"] = value_or(request, "user", nullptr);
  auto text = dump_json(out);
  return text.substr(1, text.size() - 2);
}

}  // namespace

base::result<chat_request, refusal> chat_request_of(const request_view& original,
                                                    std::string_view model, bool may_drop) {
  refusal malformed;
  const auto request = request_object(original.body, malformed);
  if (!request) return malformed;
  responses_builder builder{model, may_drop};
  if (!builder.build(*request, original.stream)) return builder.why();
  chat_request out;
  out.echo = echo_of(*request);
  out.json = dump_json(builder.take());
  out.has_sealed_reasoning = builder.has_sealed_reasoning();
  out.dropped = builder.take_dropped();
  return out;
}

bool responses_builder::refuse(std::string message, int status) {
  refusal_ = {status, "invalid request body: " + std::move(message)};
  return false;
}

bool responses_builder::lose(std::string name, std::string message) {
  if (!may_drop_) return refuse(std::move(message));
  tell(std::move(name));
  return true;
}

void responses_builder::tell(std::string name) { add_dropped(dropped_, name); }

bool responses_builder::build(const json& request, bool is_stream) {
  for (const char* name : {"text", "reasoning"}) {
    const json* found = member(request, name);
    if (found != nullptr && !found->is_object())
      return refuse(std::string{"`"} + name + "` is not an object", 400);
  }
  if (!check_state(request) || !add_input(request)) return false;
  if (!add_tools(request) || !add_tool_choice(request)) return false;
  if (!add_text(request) || !add_reasoning_effort(request) || !add_include(request)) return false;
  if (member(request, "moderation") != nullptr &&
      !lose("moderation", "`moderation` is not supported by this backend"))
    return false;
  add_same_names(request);
  if (is_stream) {
    out_["stream"] = true;
    out_["stream_options"] = {{"include_usage", true}};
  }
  tell_the_rest(request);
  return true;
}

/// What one provider keeps, and what would have to be kept for a later request.
bool responses_builder::check_state(const json& request) {
  for (const char* name : {"previous_response_id", "conversation"})
    if (member(request, name) != nullptr)
      return refuse(std::string{"`"} + name +
                    "` refers to what another provider keeps; this backend keeps no responses: "
                    "send the whole conversation in `input`");
  if (member(request, "prompt") != nullptr)
    return refuse("`prompt` names a template that another provider keeps; write it out in `input`");
  if (is_true(request, "background"))
    return refuse("`background` is not supported by this backend: it keeps no responses");
  if (is_true(request, "store")) tell("store");
  if (text_member(request, "truncation") == "auto") tell("truncation");
  return true;
}

bool responses_builder::add_text(const json& request) {
  const json* text = member(request, "text");
  if (text == nullptr) return true;
  if (const json* verbosity = member(*text, "verbosity")) out_["verbosity"] = *verbosity;
  const json* format = member(*text, "format");
  if (format == nullptr) return true;
  const auto type = text_member(*format, "type");
  if (type == "text") return true;
  if (type == "json_object") {
    out_["response_format"] = {{"type", type}};
    return true;
  }
  if (type != "json_schema")
    return lose("text.format",
                "`text.format` of type " + std::string{type} + " is not supported by this backend");
  json schema = json::object();
  for (const char* name : {"name", "description", "schema", "strict"})
    if (const json* found = member(*format, name)) schema[name] = *found;
  out_["response_format"] = {{"type", type}, {"json_schema", std::move(schema)}};
  return true;
}

bool responses_builder::add_reasoning_effort(const json& request) {
  const json* reasoning = member(request, "reasoning");
  if (reasoning == nullptr) return true;
  for (const auto& [name, value] : reasoning->items()) {
    if (value.is_null()) continue;
    if (name == "effort")
      out_["reasoning_effort"] = value;
    else
      tell("reasoning." + name);
  }
  return true;
}

bool responses_builder::add_include(const json& request) {
  const json* top = member(request, "top_logprobs");
  const bool has_top = top != nullptr && *top != 0;
  if (has_top) out_["top_logprobs"] = *top;
  bool has_logprobs = has_top;
  const json* include = member(request, "include");
  if (include != nullptr && !include->is_array()) return refuse("`include` is not a list", 400);
  if (include != nullptr) {
    for (const auto& name : *include) {
      if (name == "message.output_text.logprobs")
        has_logprobs = true;
      else if (name == "reasoning.encrypted_content")
        has_sealed_reasoning_ = true;
      else
        tell("include");
    }
  }
  if (has_logprobs) out_["logprobs"] = true;
  return true;
}

void responses_builder::add_same_names(const json& request) {
  if (const json* limit = member(request, "max_output_tokens"))
    out_["max_completion_tokens"] = *limit;
  for (const char* name : {"temperature", "top_p", "metadata", "user", "service_tier",
                           "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}) {
    const json* found = member(request, name);
    if (found != nullptr && !(found->is_object() && found->empty())) out_[name] = *found;
  }
}

void responses_builder::tell_the_rest(const json& request) {
  for (const auto& [name, value] : request.items()) {
    const bool is_off = value.is_null() || value == false;
    if (!is_off && std::ranges::find(known_request_members, name) == known_request_members.end())
      tell(name);
  }
}

}  // namespace understudy::translate
