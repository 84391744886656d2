#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

/// Errors as the client's schema writes them.
namespace understudy::translate {

/// One server-sent event that the client's SDK raises as an error. An empty type is that of 502.
/// `sequence_number`: of the Responses API, where it is known.
void append_error_event(std::string& out, operation op, std::string_view type,
                        std::string_view code, std::string_view message,
                        std::uint64_t sequence_number = 0);

/// Text of an upstream's error for a message: trimmed, cut to a readable length, never empty.
std::string quoted_error_text(int status, std::string_view body);

/// Message about an event that is no well-formed JSON, where the scan has or has not told why.
std::string malformed_event_text(const codec::json_error& error);
std::string malformed_event_text(std::string_view event);

/// Error type of a status in OpenAI's or Anthropic's vocabulary.
std::string_view openai_error_type(int status);
std::string_view anthropic_error_type(int status);

}  // namespace understudy::translate
