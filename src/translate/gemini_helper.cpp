#include "translate/gemini_helper.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <understudy/codec/json_scan.hpp>

#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

bool read_number(const codec::json_value& value, std::uint64_t& out) {
  const auto* end = value.text.data() + value.text.size();
  return value.kind == json_kind::number && std::from_chars(value.text.data(), end, out).ptr == end;
}

}  // namespace

std::optional<std::string_view> gemini_finish_of(std::string_view reason, bool has_calls) {
  constexpr std::array<std::string_view, 6> broken{
      "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",      "TOO_MANY_TOOL_CALLS",
      "MALFORMED_RESPONSE",      "MISSING_THOUGHT_SIGNATURE", "MALFORMED_TOOL_CALL"};
  if (std::ranges::find(broken, reason) != broken.end()) return std::nullopt;
  if (reason == "STOP") return has_calls ? "tool_calls" : "stop";
  if (reason == "MAX_TOKENS") return "length";
  return "content_filter";
}

token_usage gemini_usage_of(std::string_view metadata) {
  std::optional<std::uint64_t> prompt, tools, candidates;
  token_usage out;
  codec::json_reader reader{metadata};
  while (reader.next()) {
    std::uint64_t number = 0;
    if (!read_number(reader.value(), number)) continue;
    if (reader.is_key("promptTokenCount")) prompt = number;
    if (reader.is_key("toolUsePromptTokenCount")) tools = number;
    if (reader.is_key("candidatesTokenCount")) candidates = number;
    if (reader.is_key("thoughtsTokenCount")) out.reasoning = number;
    if (reader.is_key("cachedContentTokenCount")) out.cached_input = number;
    if (reader.is_key("totalTokenCount")) out.total = number;
  }
  if (!prompt && !candidates && !out.reasoning) return {};
  if (prompt || tools) out.input = prompt.value_or(0) + tools.value_or(0);
  if (candidates || out.reasoning) out.output = candidates.value_or(0) + out.reasoning.value_or(0);
  if (!out.total) out.total = out.input.value_or(0) + out.output.value_or(0);
  return out;
}

void append_gemini_usage(std::string& out, const token_usage& usage) {
  const auto number = [&out](std::string_view name, std::uint64_t value) {
    out.append(name).append(std::to_string(value));
  };
  number(R"({"prompt_tokens":)", usage.input.value_or(0));
  number(R"(,"completion_tokens":)", usage.output.value_or(0));
  number(R"(,"total_tokens":)", usage.total.value_or(0));
  if (usage.cached_input) {
    number(R"(,"prompt_tokens_details":{"cached_tokens":)", *usage.cached_input);
    out += "}";
  }
  if (usage.reasoning) {
    number(R"(,"completion_tokens_details":{"reasoning_tokens":)", *usage.reasoning);
    out += "}";
  }
  out += "}";
}

std::optional<gemini_error> gemini_error_of(std::string_view body) {
  if (codec::check_json(body)) return std::nullopt;
  codec::json_reader list{body};
  if (list.kind() == json_kind::array) {
    if (!list.next()) return std::nullopt;
    body = list.value().text;
  }
  const auto error = codec::find_member(body, "error");
  if (!error || error->kind == json_kind::null) return std::nullopt;
  gemini_error out;
  if (error->kind == json_kind::string) out.message = unquote(error->text);
  if (error->kind == json_kind::object) {
    out.type = unquote(raw_string_of(error->text, "status"));
    out.message = unquote(raw_string_of(error->text, "message"));
    const auto code = codec::find_member(error->text, "code");
    std::uint64_t number = 0;
    if (code && read_number(*code, number)) out.code = std::to_string(number);
  }
  return out;
}

std::string gemini_error_body(const codec::response_head& head, std::string_view body) {
  auto error = gemini_error_of(body).value_or(gemini_error{});
  if (error.message.empty()) error.message = quoted_error_text(head.status, body);
  return error_body(operation::chat_completions, head.status, error.type,
                    std::to_string(head.status), error.message);
}

std::string gemini_block_text(std::string_view feedback) {
  const auto reason = unquote(raw_string_of(feedback, "blockReason"));
  if (reason.empty() || reason == "BLOCKED_REASON_UNSPECIFIED") return {};
  auto text = "The prompt was blocked (" + reason + ")";
  const auto message = unquote(raw_string_of(feedback, "blockReasonMessage"));
  return message.empty() ? text : text + ": " + message;
}

}  // namespace understudy::translate
