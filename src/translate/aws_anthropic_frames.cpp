#include "translate/aws_anthropic_frames.hpp"

#include <understudy/codec/text.hpp>

#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {

aws_anthropic_frames::step aws_anthropic_frames::fail(std::string_view type,
                                                      std::string_view message) {
  has_failed_ = true;
  error_type_ = type;
  error_ = message;
  return step::failed;
}

aws_anthropic_frames::step aws_anthropic_frames::next(std::string_view& bytes,
                                                      std::string_view& json) {
  if (has_failed_) return step::failed;
  codec::event_message message;
  for (;;) {
    const auto got = decoder_.next(bytes, message);
    if (got == codec::event_stream_decoder::step::need_more) return step::need_more;
    if (got == codec::event_stream_decoder::step::failed) return fail({}, decoder_.error());
    const auto read_as = read(message, json);
    if (read_as != step::need_more) return read_as;
  }
}

/// `need_more` for a frame that says nothing.
aws_anthropic_frames::step aws_anthropic_frames::read(const codec::event_message& message,
                                                      std::string_view& json) {
  const auto kind = message.text_of(":message-type");
  if (kind == "error") {
    const auto text = message.text_of(":error-message");
    return fail(message.text_of(":error-code"), text.empty() ? "upstream error" : text);
  }
  if (kind == "exception") {
    const auto text = string_member(message.payload, "message");
    return fail(message.text_of(":exception-type"),
                text.empty() ? "the upstream broke the stream off with an exception" : text);
  }
  // Types that come to be later are passed over.
  return message.text_of(":event-type") == "chunk" ? read_chunk(message.payload, json)
                                                   : step::need_more;
}

aws_anthropic_frames::step aws_anthropic_frames::read_chunk(std::string_view payload,
                                                            std::string_view& json) {
  if (const auto error = codec::check_json(payload))
    return fail({}, "malformed frame from the upstream: " + error->text());
  auto bytes = codec::base64_decode(string_member(payload, "bytes"));
  if (!bytes || bytes->empty()) return fail({}, "a frame from the upstream holds no event");
  decoded_ = std::move(*bytes);
  if (const auto error = codec::check_json(decoded_)) return fail({}, malformed_event_text(*error));
  json = decoded_;
  return step::event;
}

}  // namespace understudy::translate
