#include "translate/converse_helper.hpp"

#include <charconv>

#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>

#include "translate/error_event.hpp"

namespace understudy::translate {

std::optional<std::string_view> finish_reason_of(std::string_view stop_reason) {
  if (stop_reason == "malformed_model_output" || stop_reason == "malformed_tool_use")
    return std::nullopt;
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded")
    return "length";
  if (stop_reason == "content_filtered" || stop_reason == "guardrail_intervened")
    return "content_filter";
  return "stop";
}

token_usage usage_of(std::string_view usage_json) {
  token_usage out;
  std::optional<std::uint64_t> uncached;
  codec::json_reader reader{usage_json};
  while (reader.next()) {
    const auto& value = reader.value();
    std::uint64_t number = 0;
    const auto* end = value.text.data() + value.text.size();
    if (value.kind != codec::json_kind::number ||
        std::from_chars(value.text.data(), end, number).ptr != end)
      continue;
    if (reader.is_key("inputTokens")) uncached = number;
    if (reader.is_key("outputTokens")) out.output = number;
    if (reader.is_key("cacheReadInputTokens")) out.cached_input = number;
    if (reader.is_key("cacheWriteInputTokens")) out.cache_creation_input = number;
  }
  if (!uncached && !out.output) return {};
  out.input =
      uncached.value_or(0) + out.cached_input.value_or(0) + out.cache_creation_input.value_or(0);
  out.total = *out.input + out.output.value_or(0);
  return out;
}

void append_usage(std::string& out, const token_usage& usage) {
  const auto number = [&out](std::string_view name, std::uint64_t value) {
    out.append(name).append(std::to_string(value));
  };
  number(R"({"prompt_tokens":)", usage.input.value_or(0));
  number(R"(,"completion_tokens":)", usage.output.value_or(0));
  number(R"(,"total_tokens":)", usage.total.value_or(0));
  if (usage.cached_input || usage.cache_creation_input) {
    number(R"(,"prompt_tokens_details":{"cached_tokens":)", usage.cached_input.value_or(0));
    if (usage.cache_creation_input)
      number(R"(,"cache_creation_input_tokens":)", *usage.cache_creation_input);
    out += "}";
  }
  if (usage.reasoning) {
    number(R"(,"completion_tokens_details":{"reasoning_tokens":)", *usage.reasoning);
    out += "}";
  }
  out += "}";
}

std::string converse_path(std::string_view model, bool is_stream) {
  return "/model/" + codec::path_escape(model) + (is_stream ? "/converse-stream" : "/converse");
}

std::string_view exception_name(std::string_view errortype) {
  errortype = base::trim(errortype.substr(0, errortype.find(':')));
  const auto hash = errortype.rfind('#');
  return hash == std::string_view::npos ? errortype : errortype.substr(hash + 1);
}

std::string bedrock_error_body(const codec::response_head& head, std::string_view body) {
  std::string message;
  for (const auto* name : {"message", "Message"}) {
    const auto found = codec::find_member(body, name);
    if (!found || found->kind != codec::json_kind::string) continue;
    message = codec::unescape_json(found->raw_string());
    break;
  }
  if (message.empty()) message = quoted_error_text(head.status, body);
  const auto type = exception_name(head.fields.find("x-amzn-errortype").value_or(""));
  return error_body(operation::chat_completions, head.status, type, std::to_string(head.status),
                    message);
}

}  // namespace understudy::translate
