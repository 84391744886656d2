#include "translate/converse_helper.hpp"
#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

/// Frames of Bedrock's ConverseStream.
namespace understudy::translate {
namespace {

using codec::json_kind;

/// A delta is one member (text, toolUse, reasoningContent …), its words possibly one level deeper.
void read_content_delta(answer_progress& progress, std::string_view delta) {
  codec::json_reader reader{delta.empty() ? "{}" : delta};
  while (reader.next()) {
    const auto& value = reader.value();
    if (!says_something(value)) continue;
    if (value.kind == json_kind::object)
      read_content_delta(progress, value.text);
    else
      progress.on_content(value.kind == json_kind::string ? count_characters(value.raw_string())
                                                          : 0);
  }
}

std::uint64_t delta_characters(std::string_view payload) {
  std::uint64_t count = 0;
  const char* begin = payload.data();
  all_keys(payload, [&](const char* quote, const char* value) {
    if (ends_with(begin, quote, "\"text") || ends_with(begin, quote, "\"input"))
      count += characters_of(value, begin + payload.size());
    return true;
  });
  return count;
}

void read_stop(answer_progress& progress, std::string_view payload) {
  const auto reason = raw_text(payload, "stopReason");
  if (finish_reason_of(reason)) return progress.on_finish(reason);
  progress.on_fault(
      fault_named(codec::unescape_json(reason.substr(0, 64)), "the model's output was malformed"));
}

void read_frame_event(answer_progress& progress, std::string_view type, std::string_view payload) {
  if (type == "contentBlockDelta") {
    if (progress.has_content())
      progress.on_content(delta_characters(payload));
    else
      read_content_delta(progress, nested(payload, "delta"));
  } else if (type == "contentBlockStart") {
    if (nested(payload, "start").size() > 2) progress.on_content();
  } else if (type == "messageStop") {
    read_stop(progress, payload);
  } else if (type == "metadata") {
    const auto usage = nested(payload, "usage");
    if (usage.starts_with('{')) read_usage(progress.usage, usage);
  }
}

}  // namespace

bool report_frame_error(answer_progress& progress, const codec::event_message& message) {
  const auto kind = message.text_of(":message-type");
  if (kind == "exception") {
    const auto text = codec::check_json(message.payload) ? std::string_view{}
                                                         : raw_text(message.payload, "message");
    progress.on_fault(fault_named(exception_name(message.text_of(":exception-type")),
                                  codec::unescape_json(text)));
  } else if (kind == "error") {
    progress.on_fault(
        fault_named(message.text_of(":error-code"), message.text_of(":error-message")));
  } else {
    return false;
  }
  return true;
}

void watch_converse(answer_progress& progress, const codec::event_message& message) {
  const auto type = message.text_of(":event-type");
  const bool needs_no_reading = progress.has_content() && type == "contentBlockDelta";
  if (!needs_no_reading && codec::check_json(message.payload)) return report_malformed(progress);
  read_frame_event(progress, type, message.payload);
}

}  // namespace understudy::translate
