#include "translate/chat_to_message.hpp"

#include <algorithm>

#include "translate/error_event.hpp"
#include "translate/message_answer.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;
using codec::json_reader;

/// Of the parts of a list of text parts, as one JSON string; empty: nothing there.
std::string joined_text_parts(std::string_view parts) {
  std::string text;
  json_reader reader{parts};
  while (reader.next()) text += unquote(raw_text_of(reader.value().text, "text"));
  return text.empty() ? std::string{} : quoted_json(text);
}

}  // namespace

bool chat_message_stream::fail(std::string_view type, std::string_view message, std::string& out) {
  if (!has_failed_ && !has_ended_) append_error_event(out, operation::messages, type, {}, message);
  has_failed_ = true;
  return false;
}

void chat_message_stream::abort(std::string_view message, std::string& out) {
  fail({}, message, out);
}

bool chat_message_stream::feed(std::string_view bytes, std::string& out) {
  using enum codec::sse_scanner::step;
  while (!has_failed_) {
    codec::sse_event event;
    const auto step = scanner_.next(bytes, event);
    if (step == need_more) return true;
    if (step == too_large) return fail({}, "an event of the upstream is too large", out);
    if (!on_event(event, out)) return false;
  }
  return false;
}

bool chat_message_stream::on_event(const codec::sse_event& event, std::string& out) {
  if (has_ended_ || event.data.empty()) return true;
  if (event.data == "[DONE]") return finish_reason_.empty() || end_message(out);
  chat_chunk chunk;
  const bool is_whole = chunk.read(event.data);
  if (event.type == "error") return on_error(is_whole ? event.data : std::string_view{}, out);
  if (!is_whole) return fail({}, malformed_event_text(event.data), out);
  if (!chunk.error.empty()) return on_error(event.data, out);
  if (!chunk.usage.empty())
    if (const auto told = chat_usage_of(chunk.usage); told.input || told.output) usage_ = told;
  if (!chunk.service_tier.empty()) raw_tier_ = chunk.service_tier;
  if (!chunk.first_choice.is_there) return true;
  on_choice(chunk, out);
  if (finish_reason_ == "error") return fail({}, "the model's answer ended in an error", out);
  if (writer_.is_tangled()) return fail({}, "the model's tool calls can't be followed", out);
  return true;
}

bool chat_message_stream::on_error(std::string_view data, std::string& out) {
  auto error = raw_object_of(data, "error");
  if (error.empty()) error = data;
  auto message = unquote(raw_text_of(error, "message"));
  if (message.empty()) message = unquote(raw_text_of(data, "error"));
  if (message.empty()) message = "the upstream broke the stream off with an error";
  auto code = unquote(raw_text_of(error, "code"));
  if (code.empty()) code = raw_member(error, "code", json_kind::number);
  return fail(anthropic_type_of(unquote(raw_text_of(error, "type")), code), message, out);
}

void chat_message_stream::on_choice(const chat_chunk& chunk, std::string& out) {
  if (!writer_.has_started()) {
    const auto told = unquote(text_of_raw(chunk.model));
    if (!told.empty()) model_ = told;
    writer_.start(message_id_of(unquote(text_of_raw(chunk.id))), model_, out);
  }
  const auto& choice = chunk.first_choice;
  on_delta(choice.delta, out);
  for (const auto stop : {choice.stop_reason, choice.matched_stop})
    if (!stop.empty() && std::ranges::find(stops_, unquote(stop)) != stops_.end()) raw_stop_ = stop;
  if (choice.finish_reason.size() > 2) finish_reason_ = unquote(choice.finish_reason);
}

void chat_message_stream::on_delta(const chat_chunk_delta& delta, std::string& out) {
  // Reasoning comes before the text that it led to, whatever the order of the members.
  const auto thought = delta.thought();
  if (!thought.empty()) writer_.thinking(thought, out);
  if (const auto blocks = list_of_raw(delta.thinking_blocks); !blocks.empty())
    on_thinking_blocks(blocks, !thought.empty(), out);
  if (const auto text = text_of_raw(delta.content); !text.empty())
    writer_.text(text, out);
  else if (const auto parts = list_of_raw(delta.content); !parts.empty())
    if (const auto joined = joined_text_parts(parts); !joined.empty()) writer_.text(joined, out);
  if (const auto refused = text_of_raw(delta.refusal); !refused.empty()) {
    has_refusal_ = true;
    writer_.text(refused, out);
  }
  if (const auto calls = list_of_raw(delta.tool_calls); !calls.empty()) on_calls(calls, out);
}

/// Signatures and hidden reasoning; the text too, where no other member has brought it.
void chat_message_stream::on_thinking_blocks(std::string_view blocks, bool has_text,
                                             std::string& out) {
  json_reader reader{blocks};
  while (reader.next()) {
    const auto block = reader.value().text;
    if (const auto data = raw_text_of(block, "data"); !data.empty()) writer_.redacted(data, out);
    const auto text = raw_text_of(block, "thinking");
    if (!has_text && !text.empty()) writer_.thinking(text, out);
    if (const auto sign = raw_text_of(block, "signature"); !sign.empty())
      writer_.signature(sign, out);
  }
}

void chat_message_stream::on_calls(std::string_view calls, std::string& out) {
  codec::json_cursor at{calls};
  at.enter();
  chat_call_delta call;
  for (std::size_t position = 0; at.next(); ++position) {
    call.read(at);
    const auto key = call.index.empty() ? std::to_string(position) : std::string{call.index};
    writer_.call(key, call.id, call.name, out);
    writer_.arguments(key, call.arguments, out);
  }
}

bool chat_message_stream::end_message(std::string& out) {
  const auto reason = stop_reason_of(finish_reason_, writer_.has_calls()).value_or("end_turn");
  const bool is_refusal = has_refusal_ && reason == "end_turn";
  const bool has_met_stop = reason == "end_turn" && !is_refusal && !raw_stop_.empty();
  const bool is_cut = reason == "max_tokens" || reason == "refusal";
  std::string_view word = is_refusal ? "refusal" : reason;
  if (has_met_stop) word = "stop_sequence";
  const auto told_tier = unquote(raw_tier_);
  const auto usage = anthropic_usage(usage_, anthropic_tier_of(told_tier));
  if (!writer_.finish(word, has_met_stop ? std::string_view{raw_stop_} : std::string_view{}, is_cut,
                      usage, out))
    return fail({}, "the model's tool call has arguments that are no JSON object", out);
  has_ended_ = true;
  return true;
}

bool chat_message_stream::finish(std::string& out) {
  if (has_failed_) return false;
  if (has_ended_) return true;
  // The blank line behind the last event may be missing.
  if (!scanner_.is_between_events() && !feed("\n\n", out)) return false;
  if (has_ended_) return true;
  if (finish_reason_.empty())
    return fail({}, "the upstream's stream ended before the model's answer did", out);
  return end_message(out);
}

}  // namespace understudy::translate
