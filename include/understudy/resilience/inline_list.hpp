#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace understudy::resilience {

/// Append-only list that allocates only beyond its first N elements.
template <class T, std::size_t N>
class inline_list {
 public:
  void push_back(const T& value) {
    if (size_ < N) {
      near_[size_] = value;
    } else {
      if (size_ == N) far_.assign(near_.begin(), near_.end());
      far_.push_back(value);
    }
    ++size_;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const T> view() const {
    return size_ > N ? std::span<const T>{far_} : std::span<const T>{near_.data(), size_};
  }

 private:
  std::array<T, N> near_{};
  std::vector<T> far_;
  std::size_t size_ = 0;
};

}  // namespace understudy::resilience
