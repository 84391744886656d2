#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include <understudy/codec/json_scan.hpp>

/// Reads nested JSON in one pass: every byte is looked at once, however deep the reader goes.
namespace understudy::codec {

/// Stands on one value. A container that was entered must be read to its end (next() false) before
/// its parent goes on; what was not entered is passed over, and checked on the way. After an error
/// every next() is false and failure() tells.
class json_cursor {
 public:
  /// Stands on the text's one value.
  explicit json_cursor(std::string_view text);

  json_kind kind() const { return kind_; }
  /// Goes into the container it stands on. False, and nothing happens, on a scalar.
  bool enter();
  /// The next member or element of the innermost container entered; false at its end (it is then
  /// left) or at an error.
  bool next();
  /// The value it stands on, whole; passed over by this. Once per value, not after enter().
  std::string_view take();
  /// take() of a string, without its quotes; nothing, and not passed over, where it is none.
  std::string_view take_raw_string();

  std::string_view raw_key() const { return key_; }
  bool is_key(std::string_view name) const {
    return key_has_escapes_ ? is_escaped_key(name) : key_ == name;
  }
  /// Bytes from the start of the text to where it stands.
  std::size_t offset() const { return static_cast<std::size_t>(at_ - text_.data()); }
  bool has_failed() const { return has_failed_; }
  /// Passes over what is left; true when the text was one whole value and nothing else. To be
  /// called outside of every container.
  bool finish();

 private:
  bool fail();
  bool pass();
  bool stand();
  bool read_key();
  bool is_escaped_key(std::string_view name) const;
  bool is_object(int depth) const {
    return ((levels_[static_cast<std::size_t>(depth) / 64] >> (depth % 64)) & 1U) != 0;
  }

  std::string_view text_;
  const char* at_;
  const char* end_;
  json_kind kind_ = json_kind::null;
  bool is_on_value_ = false;  ///< the value at `at_` has not been passed over
  bool is_first_ = false;     ///< a container has just been entered
  bool has_failed_ = false;
  bool key_has_escapes_ = false;
  int depth_ = 0;
  std::string_view key_;
  std::array<std::uint64_t, max_json_depth / 64> levels_{};  // one bit a level: 1 = object
};

}  // namespace understudy::codec
