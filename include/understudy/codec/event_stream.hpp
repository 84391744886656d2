#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// AWS event stream messages (application/vnd.amazon.eventstream): total length and header length
/// (32 bits, big endian), prelude CRC, headers, payload, message CRC.
namespace understudy::codec {

inline constexpr std::string_view event_stream_content_type = "application/vnd.amazon.eventstream";

enum class event_header_type : std::uint8_t {
  bool_true,
  bool_false,
  int8,
  int16,
  int32,
  int64,
  bytes,
  string,
  timestamp,  ///< milliseconds since the epoch
  uuid,       ///< 16 bytes
};

struct event_header {
  std::string_view name;
  event_header_type type = event_header_type::string;
  std::string_view text;    ///< of bytes, string and uuid
  std::int64_t number = 0;  ///< of the integers and timestamp
};

/// Views live until the decoder's next call, or as long as the bytes given to it.
struct event_message {
  std::span<const event_header> headers;
  std::string_view payload;

  /// Value of the first string header of that name, or empty.
  std::string_view text_of(std::string_view name) const;
};

/// Takes bytes cut anywhere. A message that lies whole in one piece is not copied. Both checksums
/// are verified; the prelude's before anything is collected. The first failure is final.
class event_stream_decoder {
 public:
  static constexpr std::size_t max_headers = 32;

  enum class step : std::uint8_t { message, need_more, failed };

  explicit event_stream_decoder(std::size_t max_message_bytes = std::size_t{4} << 20)
      : max_message_bytes_{max_message_bytes} {}

  /// Takes from the front of `bytes`. `message`: one is in `out`, call again. `need_more`: `bytes`
  /// is used up.
  step next(std::string_view& bytes, event_message& out);

  /// Why it failed; static text.
  std::string_view error() const { return error_; }
  /// No part of a message is pending: the stream may end here.
  bool is_between_messages() const { return pending_.empty() || must_drop_pending_; }

 private:
  step fail(std::string_view why);
  bool read_prelude(std::string_view prelude);
  step read_message(std::string_view message, event_message& out);
  bool read_headers(std::string_view block);

  std::size_t max_message_bytes_;
  std::string pending_;
  std::string_view error_;
  std::uint32_t total_bytes_ = 0;  ///< of the message whose prelude has been read, else 0
  std::uint32_t header_bytes_ = 0;
  bool must_drop_pending_ = false;
  std::size_t header_count_ = 0;
  std::array<event_header, max_headers> headers_{};
};

/// Appends one message. Names are at most 255 bytes, values 65,535.
void append_event_message(std::string& out, std::span<const event_header> headers,
                          std::string_view payload);

/// An event as Bedrock sends it: `:event-type`, `:content-type` JSON, `:message-type` event.
void append_json_event(std::string& out, std::string_view event_type, std::string_view json);
/// An exception frame: `:exception-type`, `:message-type` exception.
void append_json_exception(std::string& out, std::string_view exception_type,
                           std::string_view json);

}  // namespace understudy::codec
