#pragma once
#include <cstddef>
#include <new>

namespace understudy::net {

/// Memory for the one operation of its kind that may be outstanding on a connection, so that
/// waiting for bytes allocates nothing. What does not fit, or comes beside it, is the heap's. One
/// thread.
class operation_memory {
 public:
  void* take(std::size_t size) {
    if (is_taken_ || size > sizeof(bytes_)) return ::operator new(size);
    is_taken_ = true;
    return bytes_;
  }
  void give_back(void* at) noexcept {
    if (at == bytes_) {
      is_taken_ = false;
    } else {
      ::operator delete(at);
    }
  }

 private:
  alignas(std::max_align_t) std::byte bytes_[192];
  bool is_taken_ = false;
};

/// How Asio asks for it. The memory outlives the operation: its handler keeps the connection.
template <class T>
class operation_allocator {
 public:
  using value_type = T;

  explicit operation_allocator(operation_memory& memory) : memory_{&memory} {}
  template <class Other>
  operation_allocator(const operation_allocator<Other>& other) : memory_{other.memory()} {}

  T* allocate(std::size_t n) { return static_cast<T*>(memory_->take(n * sizeof(T))); }
  void deallocate(T* at, std::size_t) noexcept { memory_->give_back(at); }
  operation_memory* memory() const { return memory_; }

  template <class Other>
  bool operator==(const operation_allocator<Other>& other) const {
    return memory_ == other.memory();
  }

 private:
  operation_memory* memory_;
};

}  // namespace understudy::net
