#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Follows one JSON object or array that arrives in pieces and keeps a small copy of it.
namespace understudy::translate {

/// The copy has every top-level member (or element) for as long as it fits, with values that are
/// too large replaced by a short one of their kind. Of what is left out only strings and brackets
/// are checked; the copy is for a strict reader. Memory: max_bytes.
class json_digest {
 public:
  static constexpr std::size_t max_value_bytes = 2048;
  static constexpr std::size_t max_bulk_bytes =
      64;  ///< of the answer itself: `choices` and the like
  static constexpr std::size_t max_bytes = 16384;

  void reset();
  /// False, for good: this is no JSON.
  bool feed(std::string_view bytes);
  /// Its last bracket has come, and nothing behind it.
  bool is_whole() const { return next_ == expect::nothing; }
  std::uint64_t size() const { return size_; }
  std::string_view text() const { return text_; }

 private:
  enum class expect : std::uint8_t {
    start,
    value,
    value_or_close,
    key,
    key_or_close,
    colon,
    comma_or_close,
    nothing,
    failure,
  };
  static constexpr std::size_t max_depth = 576;  ///< more than a strict reader takes

  const char* feed_string(const char* at, const char* end);
  const char* feed_scalar(const char* at, const char* end);
  const char* skim(const char* at, const char* end);
  bool feed_mark(char c);
  bool begin_value(char c);
  bool open(char c);
  bool close(char c);
  void end_value();
  bool begin_member();
  void keep(std::string_view piece);
  bool is_in_object() const { return ((levels_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64)) & 1U); }

  expect next_ = expect::start;
  bool is_in_string_ = false;
  bool is_in_escape_ = false;
  bool is_in_scalar_ = false;
  bool is_key_ = false;      ///< the string under way is a name
  bool is_eliding_ = false;  ///< the rest of this value is left out
  bool is_full_ = false;     ///< the rest of the members is left out
  bool has_member_ = false;
  std::size_t depth_ = 0;
  std::size_t member_begin_ = 0, value_begin_ = 0;  ///< in text_
  std::size_t max_kept_ = max_value_bytes;          ///< of this member's value
  std::uint64_t size_ = 0;
  std::array<std::uint64_t, max_depth / 64> levels_{};  // one bit a level: 1 = object
  std::string text_;
};

}  // namespace understudy::translate
