#include "translate/converse_citations.hpp"
#include "translate/converse_helper.hpp"
#include "translate/converse_to_message.hpp"
#include "translate/error_event.hpp"
#include "translate/message_answer.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {

namespace {

std::string_view block_of(std::string_view payload) {
  return raw_member(payload, "contentBlockIndex", codec::json_kind::number);
}

}  // namespace

bool converse_message_stream::fail(std::string_view type, std::string_view message,
                                   std::string& out) {
  if (!has_failed_ && !has_ended_)
    append_error_event(out, operation::messages, anthropic_type_of(type, {}), {}, message);
  has_failed_ = true;
  return false;
}

void converse_message_stream::abort(std::string_view message, std::string& out) {
  fail({}, message, out);
}

bool converse_message_stream::feed(std::string_view bytes, std::string& out) {
  using enum codec::event_stream_decoder::step;
  while (!has_failed_) {
    codec::event_message frame;
    const auto step = decoder_.next(bytes, frame);
    if (step == need_more) return true;
    if (step == failed) return fail({}, decoder_.error(), out);
    if (!on_message(frame, out)) return false;
  }
  return false;
}

bool converse_message_stream::on_message(const codec::event_message& message, std::string& out) {
  const auto kind = message.text_of(":message-type");
  if (kind == "event" || kind.empty())
    return on_event(message.text_of(":event-type"), message.payload, out);
  if (kind == "error") {
    const auto text = message.text_of(":error-message");
    return fail(message.text_of(":error-code"), text.empty() ? "upstream error" : text, out);
  }
  auto text = unquote(raw_text_of(message.payload, "message"));
  if (text.empty()) text = "the upstream broke the stream off with an exception";
  return fail(message.text_of(":exception-type"), text, out);
}

bool converse_message_stream::on_event(std::string_view type, std::string_view payload,
                                       std::string& out) {
  converse_delta delta;
  const bool is_delta = type == "contentBlockDelta" && delta.read(payload);
  if (!is_delta)
    if (const auto error = codec::check_json(payload))
      return fail({}, malformed_event_text(*error), out);
  writer_.start(id_, model_, out);
  if (is_delta) {
    on_delta(delta, out);
  } else if (type == "contentBlockStart") {
    const auto start = raw_object_of(payload, "start");
    const auto tool = raw_object_of(start, "toolUse");
    if (!tool.empty())
      writer_.call(block_of(payload), raw_text_of(tool, "toolUseId"), raw_text_of(tool, "name"),
                   out);
  } else if (type == "contentBlockStop") {
    writer_.end_block(block_of(payload), out);
  } else if (type == "messageStop") {
    return on_message_stop(payload, out);
  } else if (type == "metadata") {
    const auto usage = raw_object_of(payload, "usage");
    if (!usage.empty()) usage_ = usage_of(usage);
  }
  if (writer_.is_tangled()) return fail({}, "the model's tool calls can't be followed", out);
  return true;
}

void converse_message_stream::on_delta(const converse_delta& delta, std::string& out) {
  if (!text_of_raw(delta.text).empty()) writer_.text(delta.text, out);
  if (!delta.citation.empty())
    if (const auto parsed = parse_json(delta.citation))
      if (const auto made = anthropic_citation(*parsed)) writer_.citation(dump_json(*made), out);
  if (!text_of_raw(delta.tool_input).empty()) writer_.arguments(delta.block, delta.tool_input, out);
  if (!text_of_raw(delta.reasoning_text).empty()) writer_.thinking(delta.reasoning_text, out);
  if (!text_of_raw(delta.signature).empty()) writer_.signature(delta.signature, out);
  if (!text_of_raw(delta.redacted).empty()) writer_.redacted(delta.redacted, out);
}

bool converse_message_stream::on_message_stop(std::string_view payload, std::string& out) {
  stop_reason_ = unquote(raw_text_of(payload, "stopReason"));
  if (stop_reason_.empty()) stop_reason_ = "end_turn";
  const auto more = raw_object_of(payload, "additionalModelResponseFields");
  raw_stop_ = raw_text_of(more, "stop_sequence");
  if (stop_reason_of_converse(stop_reason_)) return true;
  return fail({}, "the model's output was malformed (" + stop_reason_ + ")", out);
}

bool converse_message_stream::finish(std::string& out) {
  if (has_failed_) return false;
  if (!decoder_.is_between_messages()) return fail({}, "the upstream's stream was cut off", out);
  const auto stop = stop_reason_of_converse(stop_reason_);
  if (stop_reason_.empty() || !stop)
    return fail({}, "the upstream's stream ended before the model's answer did", out);
  const bool has_met_stop = *stop == "stop_sequence" && !raw_stop_.empty();
  const bool is_cut = *stop != "tool_use" && *stop != "end_turn";
  if (!writer_.finish(*stop, has_met_stop ? std::string_view{raw_stop_} : std::string_view{},
                      is_cut, anthropic_usage(usage_), out))
    return fail({}, "the model's tool call has arguments that are no JSON object", out);
  has_ended_ = true;
  return true;
}

}  // namespace understudy::translate
