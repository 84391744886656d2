#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The chunked coding (RFC 9112 §7.1), strict: CR LF only, no white space around the size, size,
/// extensions and trailer bounded. Nothing is allocated or copied.
namespace understudy::codec {

class chunk_tracker {
 public:
  enum class failure : std::uint8_t {
    none,
    invalid_size,
    size_too_large,
    invalid_extension,
    extension_too_large,
    invalid_line_end,
    invalid_trailer,
    trailer_too_large,
  };

  struct limits {
    std::uint64_t max_chunk_bytes = std::uint64_t{1} << 40;
    std::size_t max_extension_bytes = 1024;  ///< of one chunk; in all: 16 KiB + the data so far
    std::size_t max_trailer_bytes = 8192;
  };

  chunk_tracker() = default;
  explicit chunk_tracker(limits bounds) : limits_{bounds} {}

  /// Decodes: uses up the returned number of bytes and puts at most one span of body data into
  /// `data` (a view into `bytes`, else empty). Call until `bytes` is used up, is_done() or
  /// has_failed().
  std::size_t next(std::string_view bytes, std::string_view& data);

  /// What may be sent on when the coded bytes pass through untouched.
  struct passage {
    std::size_t consumed = 0;  ///< bytes of this body, trailer and end included
    std::size_t forward = 0;   ///< the first so many go on as they are: all but trailer fields
    bool needs_end = false;    ///< a trailer was cut out: write CR LF after them
  };
  /// Follows the coding without decoding. Less than all is consumed only at the end of the body or
  /// at an error; then up to `forward` the bytes are still well formed.
  passage pass(std::string_view bytes);

  bool is_done() const { return state_ == state::done; }
  bool has_failed() const { return failure_ != failure::none; }
  failure error() const { return failure_; }
  /// Between two chunks (or before the first): a chunk of our own may be put in here.
  bool is_at_chunk_boundary() const { return state_ == state::size && digits_ == 0; }
  /// All data of a chunk has been seen; its CR LF follows.
  bool is_at_chunk_end() const { return state_ == state::data_cr; }
  std::uint64_t data_bytes() const { return data_bytes_; }

 private:
  enum class state : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
  };

  bool step(char c);
  bool step_size(char c);
  bool step_extension(char c);
  bool step_trailer(char c);
  bool expect(char c, char wanted, state next);
  bool fail(failure why);
  bool end_size_line();

  limits limits_{};
  state state_ = state::size;
  failure failure_ = failure::none;
  bool has_trailer_ = false;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ = 0;  ///< bytes of the current chunk still to come
  std::uint64_t data_bytes_ = 0;
  std::size_t extension_bytes_ = 0;
  std::uint64_t all_extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

std::string_view describe(chunk_tracker::failure why);

}  // namespace understudy::codec
