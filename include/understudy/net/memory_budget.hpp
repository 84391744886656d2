#pragma once
#include <atomic>
#include <cstddef>
#include <limits>

namespace understudy::net {

/// What all request bodies of the process may hold together, beyond those that fit the read buffers
/// of their connections: a limit a request and a limit of connections bound nothing that a machine
/// has. Asked only when a body's memory grows. Any thread.
class memory_budget {
 public:
  explicit memory_budget(std::size_t limit_bytes) : limit_{limit_bytes} {}

  /// False: nothing was taken, there is not that much left.
  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit()) return true;
    give(bytes);
    return false;
  }
  void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  std::size_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void set_limit(std::size_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> limit_;
};

/// The process's own (`--request-memory`); without a limit until it is told one.
memory_budget& request_memory();

}  // namespace understudy::net
