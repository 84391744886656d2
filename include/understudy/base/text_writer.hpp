#pragma once
#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace understudy::base {

/// Appends many short pieces to a string: room is made for hundreds of bytes at once, literals are
/// copied without a call. The string has its size, and may be looked at, when the writer is gone.
class text_writer {
 public:
  /// `expected`: bytes that will probably be enough.
  explicit text_writer(std::string& out, std::size_t expected = 512)
      : out_{out}, at_{out.data() + out.size()}, end_{at_}, expected_{expected} {}
  ~text_writer() { out_.resize(used()); }
  text_writer(const text_writer&) = delete;
  text_writer& operator=(const text_writer&) = delete;

  /// Literals, views, strings and characters, one after the other.
  template <class... Pieces>
  void put(const Pieces&... pieces) {
    if (static_cast<std::size_t>(end_ - at_) < (size_of(pieces) + ...))
      grow((size_of(pieces) + ...));
    (copy(pieces), ...);
  }

  void put_number(std::integral auto value) {
    char* at = room(24);
    at_ = std::to_chars(at, at + 24, value).ptr;
  }

  /// `bytes` to write to, taken with advance().
  char* room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) grow(bytes);
    return at_;
  }
  void advance(std::size_t bytes) { at_ += bytes; }

 private:
  template <std::size_t N>
  static constexpr std::size_t size_of(const char (&)[N]) {
    return N - 1;
  }
  static constexpr std::size_t size_of(std::string_view piece) { return piece.size(); }
  static constexpr std::size_t size_of(char) { return 1; }

  template <std::size_t N>
  void copy(const char (&piece)[N]) {
    std::memcpy(at_, piece, N - 1);
    at_ += N - 1;
  }
  void copy(std::string_view piece) {
    if (piece.empty()) return;
    std::memcpy(at_, piece.data(), piece.size());
    at_ += piece.size();
  }
  void copy(char piece) { *at_++ = piece; }

  std::size_t used() const { return static_cast<std::size_t>(at_ - out_.data()); }
  void grow(std::size_t bytes) {
    const std::size_t before = used();
    out_.resize(before + std::max(bytes, expected_));
    at_ = out_.data() + before;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  char* at_;
  char* end_;
  std::size_t expected_;
};

}  // namespace understudy::base
