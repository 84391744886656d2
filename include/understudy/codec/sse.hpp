#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// Server-sent events (WHATWG HTML §9.2), read incrementally.
namespace understudy::codec {

/// Views live until the scanner's next call, or as long as the bytes given to it.
struct sse_event {
  std::string_view type;  ///< of `event:`; empty: message
  std::string_view data;  ///< `data:` lines joined by LF
  std::string_view id;
};

/// Finds events in bytes cut anywhere; lines end in LF, CR or CR LF. An event that lies whole in
/// one piece is not copied; memory is bounded by the limit. Comments and events with neither data
/// nor a type are passed over.
class sse_scanner {
 public:
  enum class step : unsigned char { event, need_more, too_large };

  explicit sse_scanner(std::size_t max_event_bytes = std::size_t{1} << 20)
      : max_event_bytes_{max_event_bytes} {}

  /// Takes from the front of `bytes`. `event`: one is in `out`, call again. `need_more`: `bytes`
  /// is used up. `too_large`: for good; the stream can't be followed.
  step next(std::string_view& bytes, sse_event& out);

  /// No part of an event is pending: the stream may end here. The second half of the last CR LF is
  /// none.
  bool is_between_events() const {
    return must_drop_pending_ || pending_.find_first_not_of("\r\n") == std::string::npos;
  }

 private:
  bool take_plain_block(std::string_view& bytes, sse_event& out, bool& is_event);
  bool parse_block(std::string_view block, sse_event& out);
  std::size_t find_block_end(std::string_view bytes);

  std::size_t max_event_bytes_;
  std::string pending_;  ///< begin of an event whose end has not come
  std::string joined_;   ///< data of more than one line
  bool is_line_empty_ = true;
  bool is_after_cr_ = false;
  bool has_bare_cr_ = false;  ///< a line has ended in CR alone: the quick way is left
  bool is_at_start_ = true;   ///< a byte order mark may come
  bool must_drop_pending_ = false;
  bool has_failed_ = false;
};

}  // namespace understudy::codec
