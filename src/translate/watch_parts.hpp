#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/answer_watch.hpp>

/// What the readers of the schemas (watch_<schema>.cpp) share, and their entry points. Every reader
/// takes one event, `type` of its `event:` line or frame, and reports what it says.
namespace understudy::translate {

void watch_chat(answer_progress& progress, std::string_view type, std::string_view data);
void watch_responses(answer_progress& progress, std::string_view type, std::string_view data);
void watch_typed(answer_progress& progress, std::string_view type, std::string_view data);
void watch_anthropic(answer_progress& progress, std::string_view type, std::string_view data);
void watch_gemini(answer_progress& progress, std::string_view type, std::string_view data);
/// True (and reported) when an AWS frame is an exception or an error.
bool report_frame_error(answer_progress& progress, const codec::event_message& message);
/// A ConverseStream frame that is no error.
void watch_converse(answer_progress& progress, const codec::event_message& message);
/// The same of InvokeModelWithResponseStream: an event of Anthropic's in base64.
void watch_anthropic_frame(answer_progress& progress, const codec::event_message& message);

/// `prefix` is the begin of an event too large to keep: what can be told from its type.
void watch_large_responses(answer_progress& progress, std::string_view type,
                           std::string_view prefix);

/// A unary answer, or the digest of it. `is_bedrock`: `message` alone is an error, too.
void watch_document(answer_progress& progress, std::string_view document, bool is_bedrock);
/// The same of an answer that is there as a whole, without its digest. False, with nothing
/// reported, unless it is an ordinary one: well-formed, no error, and none of what a digest would
/// leave out.
bool watch_plain_document(answer_progress& progress, std::string_view document);
void read_finish_reasons(answer_progress& progress, std::string_view document, bool is_responses);

/// Passes over white space; empty unless an object begins there.
std::string_view object_in(std::string_view data);
/// True (and reported) when the event is an error: by its `event:` line, or because it is one of
/// the forms in which providers write errors. `object` is well-formed.
bool report_error_event(answer_progress& progress, std::string_view type, std::string_view object);
/// The data of an event named `error`, whatever it is.
void report_named_error(answer_progress& progress, std::string_view data);
/// `error` is the value of an `error` member (object or string); `around` the object it stands in.
void report_error(answer_progress& progress, std::string_view error, std::string_view around);
/// Fault of a name in a provider's vocabulary (`throttlingException`, `overloaded_error`).
answer_fault fault_named(std::string_view name, std::string_view message);
/// An event that is no JSON: fatal as long as nothing has been given to the client.
void report_malformed(answer_progress& progress);

/// Neither null, nor false, nor empty.
bool says_something(const codec::json_value& value);
bool is_string(const codec::json_value& value, std::string_view text);
/// The member's characters between the quotes when it is a string, else empty.
std::string_view raw_text(std::string_view object, std::string_view name);
/// The member's text when it is an object or array, else empty.
std::string_view nested(std::string_view object, std::string_view name);
/// Characters of raw JSON text.
std::uint64_t count_characters(std::string_view raw);
/// Once an answer: what it calls its model and itself, by the names of those members.
void read_identity(answer_progress& progress, std::string_view object, std::string_view model,
                   std::string_view id);
/// Adds the numbers of any provider's `usage` object.
void read_usage(token_usage& usage, std::string_view object);
/// Gemini's `promptFeedback`: true (and reported) when the prompt was blocked.
bool report_gemini_block(answer_progress& progress, std::string_view feedback);
/// A small number; anything else is 0.
std::size_t index_of(const codec::json_value& value);

bool is_filter_reason(std::string_view reason);

}  // namespace understudy::translate
