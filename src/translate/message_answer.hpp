#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

#include "translate/json.hpp"

/// What answers in Anthropic's dialect share, whichever schema they come from
/// (spec/gateway-config.md §4.5, §9).
namespace understudy::translate {

/// `usage` of a message: `input_tokens` without what was read from or written to a cache, as
/// Anthropic counts. `tier`: its own word, or empty.
std::string anthropic_usage(const token_usage& usage, std::string_view tier = {});

/// Anthropic's word for a tier as OpenAI and Converse name it; empty where it has none.
std::string_view anthropic_tier_of(std::string_view tier);

/// Anthropic's error type for an error that came inside a stream, from the words of any provider:
/// `ThrottlingException`, `rate_limit_exceeded`, `429` …
std::string_view anthropic_type_of(std::string_view type, std::string_view code);

/// An error answer of any upstream in Anthropic's shape: its message, the type of its status, the
/// upstream's id of the request.
std::string anthropic_error_answer(const codec::response_head& head, std::string_view body);

/// The upstream's id of the request, by whatever name it is sent; or empty.
std::string_view upstream_request_id(const codec::response_head& head);

/// `msg_…` of the id of a chat completion or of a request.
std::string message_id_of(std::string_view upstream_id);

/// An Anthropic message without its content.
json message_frame(std::string_view id, std::string_view model);

/// A block of that text, unless it is empty.
void append_answer_text(std::string_view text, json& content);

}  // namespace understudy::translate
