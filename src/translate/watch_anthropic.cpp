#include <understudy/codec/text.hpp>

#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

/// Events of Anthropic's Messages API.
namespace understudy::translate {
namespace {

using codec::json_kind;

/// Once content has come: true for an event that is a delta, or nothing. The type is in the data,
/// whether or not there is an `event:` line (AWS frames have none).
bool pass_ordinary_event(answer_progress& progress, std::string_view object) {
  const char* begin = object.data();
  const char* end = begin + object.size();
  std::uint64_t characters = 0;
  bool has_type = false;
  const bool is_ordinary = all_keys(object, [&](const char* quote, const char* value) {
    switch (quote[-1]) {
      case 'e':
        if (!ends_with(begin, quote, "\"type")) return true;
        has_type = true;
        return !std::string_view{value, static_cast<std::size_t>(end - value)}.starts_with(
                   "\"message_") &&
               !std::string_view{value, static_cast<std::size_t>(end - value)}.starts_with(
                   "\"error");
      case 'r':
        return !ends_with(begin, quote, "\"error");
      case 't':
        if (ends_with(begin, quote, "\"text")) characters += characters_of(value, end);
        return true;
      case 'g':
        if (ends_with(begin, quote, "\"thinking")) characters += characters_of(value, end);
        return true;
      case 'n':
        if (ends_with(begin, quote, "\"partial_json")) characters += characters_of(value, end);
        return true;
      default:
        return true;
    }
  });
  if (is_ordinary && has_type) progress.on_content(characters);
  return is_ordinary && has_type;
}

void read_block_start(answer_progress& progress, std::string_view block) {
  const auto kind = raw_text(block, "type");
  if (kind == "text" || kind == "thinking") {
    const auto text = raw_text(block, kind);
    if (!text.empty()) progress.on_content(count_characters(text));
  } else if (!kind.empty()) {
    progress.on_content();  // a tool call, its result, redacted thinking
  }
}

void read_block_delta(answer_progress& progress, std::string_view delta) {
  codec::json_reader reader{delta.empty() ? "{}" : delta};
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("type") || !says_something(value)) continue;
    const bool is_text = value.kind == json_kind::string && !reader.is_key("signature");
    progress.on_content(is_text ? count_characters(value.raw_string()) : 0);
  }
}

void read_message_delta(answer_progress& progress, std::string_view object) {
  const auto reason = raw_text(nested(object, "delta"), "stop_reason");
  if (!reason.empty()) progress.has_stop_reason = true;
  progress.on_reason(0, reason);
  if (is_filter_reason(reason)) progress.on_filtered();
  if (const auto usage = nested(object, "usage"); usage.starts_with('{'))
    read_usage(progress.usage, usage);
}

void read_message_event(answer_progress& progress, std::string_view type, std::string_view object) {
  if (type == "content_block_start") {
    read_block_start(progress, nested(object, "content_block"));
  } else if (type == "content_block_delta") {
    read_block_delta(progress, nested(object, "delta"));
  } else if (type == "message_delta") {
    read_message_delta(progress, object);
  } else if (type == "message_stop") {
    if (progress.has_stop_reason) progress.on_finish({});
  } else if (type == "message_start") {
    const auto message = nested(object, "message");
    read_identity(progress, message, "model", "id");
    const auto usage = nested(message, "usage");
    if (usage.starts_with('{')) read_usage(progress.usage, usage);
  } else if (type == "completion") {  // never sent to this API's clients
    progress.on_content();
  }
}

}  // namespace

void watch_anthropic(answer_progress& progress, std::string_view type, std::string_view data) {
  const auto object = object_in(data);
  if (object.empty()) {
    if (type == "error") report_named_error(progress, data);
    return;
  }
  if (progress.has_content() && type != "error" && pass_ordinary_event(progress, object)) return;
  if (codec::check_json(object)) return report_malformed(progress);
  if (report_error_event(progress, type, object)) return;
  const auto inner = raw_text(object, "type");
  read_message_event(progress, inner.empty() ? type : inner, object);
}

void watch_anthropic_frame(answer_progress& progress, const codec::event_message& message) {
  if (message.text_of(":event-type") != "chunk") return;
  const auto event = codec::base64_decode(raw_text(message.payload, "bytes"));
  if (event && !event->empty())
    watch_anthropic(progress, {}, *event);
  else
    report_malformed(progress);
}

}  // namespace understudy::translate
