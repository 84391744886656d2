#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// What the unary and the streamed answers of Gemini share. Semantics: spec/gateway-config.md §4.4,
/// and the reference of Vertex AI's GenerateContentResponse.
namespace understudy::translate {

/// OpenAI's `finish_reason` of a `finishReason`. Nothing where the model's output was broken
/// (`MALFORMED_FUNCTION_CALL`, `UNEXPECTED_TOOL_CALL` …), which is an error, not an end. A reason
/// that is not known has cut the answer off: `content_filter`.
std::optional<std::string_view> gemini_finish_of(std::string_view reason, bool has_calls);

/// Reads `usageMetadata`. Prompts of Gemini's own tools are input, thoughts are output.
token_usage gemini_usage_of(std::string_view metadata);
/// Appends OpenAI's `usage` object.
void append_gemini_usage(std::string& out, const token_usage& usage);

struct gemini_error {
  std::string type;  ///< `RESOURCE_EXHAUSTED`
  std::string code;  ///< `429`
  std::string message;
};
/// Of `{"error":{code,message,status}}`, alone or first in a list (as streams without SSE end).
std::optional<gemini_error> gemini_error_of(std::string_view body);
/// Body of an error answer in OpenAI's shape.
std::string gemini_error_body(const codec::response_head& head, std::string_view body);

/// The text that stands for a prompt that was blocked, or empty: `promptFeedback`.
std::string gemini_block_text(std::string_view feedback);

}  // namespace understudy::translate
