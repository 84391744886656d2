#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// What the unary and the streamed Converse answers share.
namespace understudy::translate {

/// OpenAI's `finish_reason` of Converse's `stopReason`; nothing where the model's output was
/// broken (`malformed_model_output`, `malformed_tool_use`), which is an error, not an end.
std::optional<std::string_view> finish_reason_of(std::string_view stop_reason);

/// Reads Converse's `usage` object. Tokens read from and written to a cache are part of the input.
token_usage usage_of(std::string_view usage_json);
/// Appends OpenAI's `usage` object.
void append_usage(std::string& out, const token_usage& usage);

/// `ThrottlingException` of `com.amazon#ThrottlingException:http://…`.
std::string_view exception_name(std::string_view errortype);

/// Body of an error answer of Bedrock in OpenAI's shape.
std::string bedrock_error_body(const codec::response_head& head, std::string_view body);

/// Path of Converse or ConverseStream.
std::string converse_path(std::string_view model, bool is_stream);

}  // namespace understudy::translate
