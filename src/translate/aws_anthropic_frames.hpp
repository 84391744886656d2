#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/codec/event_stream.hpp>

/// Claude's stream as Bedrock's InvokeModelWithResponseStream sends it: AWS frames of type `chunk`
/// whose payload `{"bytes":…}` holds one event of Anthropic's Messages API in base64. Exception and
/// error frames take the place of Anthropic's `error` event.
namespace understudy::translate {

class aws_anthropic_frames {
 public:
  enum class step : std::uint8_t { event, need_more, failed };

  /// Takes from the front of `bytes`, cut anywhere. `event`: its JSON, checked, is in `json` until
  /// the next call; call again. `need_more`: `bytes` is used up. `failed`, for good: see error().
  step next(std::string_view& bytes, std::string_view& json);

  const std::string& error() const { return error_; }  ///< a sentence for the client
  const std::string& error_type() const {
    return error_type_;
  }  ///< `throttlingException`, or empty
  /// No part of a frame is pending: the stream may end here.
  bool is_between_events() const { return decoder_.is_between_messages(); }

 private:
  step fail(std::string_view type, std::string_view message);
  step read(const codec::event_message& message, std::string_view& json);
  step read_chunk(std::string_view payload, std::string_view& json);

  codec::event_stream_decoder decoder_;
  std::string decoded_;
  std::string error_, error_type_;
  bool has_failed_ = false;
};

}  // namespace understudy::translate
