#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace understudy::base {

/// At most `N` bytes of somebody else's text, kept in place: no allocation, no view that dangles.
template <std::size_t N>
class short_text {
 public:
  short_text() = default;
  /// Keeps the first `N` bytes.
  void assign(std::string_view text) {
    size_ = std::min(text.size(), N);
    if (size_ != 0) std::memcpy(bytes_, text.data(), size_);
  }
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  std::size_t size_ = 0;
  char bytes_[N] = {};
};

}  // namespace understudy::base
