#pragma once
#include <cstring>
#include <string_view>

#include <understudy/net/block_pool.hpp>

namespace understudy::net {

/// One contiguous buffer of a connection. Unread bytes are [begin, end). Memory exists only while
/// it is needed: release() gives it back when the connection goes idle.
class read_buffer {
 public:
  /// Bytes past the end that are always allocated, so that a SIMD scan may read over it.
  static constexpr std::size_t padding = 64;
  /// What a buffer usually has: a block of the pool. Larger ones come from the heap.
  static constexpr std::size_t usual_bytes = block_pool::block_bytes - padding;

  read_buffer() = default;
  ~read_buffer() { release(); }
  read_buffer(const read_buffer&) = delete;
  read_buffer& operator=(const read_buffer&) = delete;

  std::string_view data() const { return {memory_ + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  char* space() { return memory_ + end_; }
  std::size_t space_size() const { return capacity_ - end_; }

  void commit(std::size_t n) { end_ += n; }
  /// `may_rewind`: no read into space() is outstanding.
  void consume(std::size_t n, bool may_rewind = true) {
    begin_ += n;
    if (begin_ == end_ && may_rewind) begin_ = end_ = 0;
  }

  /// Keeps the first `n` unread bytes; the rest has been copied. No read may be outstanding.
  void truncate(std::size_t n) { end_ = begin_ + n; }

  /// Room for at least `n` more bytes. Moves what is there: no view may be outstanding.
  void reserve(std::size_t n) {
    if (space_size() >= n && capacity_ != 0) return;
    const std::size_t used = end_ - begin_;
    if (capacity_ >= used + n) {
      std::memmove(memory_, memory_ + begin_, used);
    } else {
      std::size_t larger = capacity_ == 0 ? used + n : 2 * capacity_;
      while (larger < used + n) larger *= 2;
      if (larger < usual_bytes) larger = usual_bytes;
      char* moved = larger == usual_bytes ? block_pool::take() : new char[larger + padding];
      if (used != 0) std::memcpy(moved, memory_ + begin_, used);
      release();
      memory_ = moved;
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = used;
  }

  void release() {
    if (capacity_ == usual_bytes) block_pool::give_back(memory_);
    if (capacity_ > usual_bytes) delete[] memory_;
    memory_ = nullptr;
    capacity_ = begin_ = end_ = 0;
  }

 private:
  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace understudy::net
