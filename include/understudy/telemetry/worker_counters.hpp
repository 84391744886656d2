#pragma once
#include <atomic>
#include <cstdint>

namespace understudy::telemetry {

/// A number that one thread writes and any thread reads. No locked instruction on either side.
class owned_counter {
 public:
  void add(std::int64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::int64_t n = 1) noexcept { add(-n); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// One more while it lives, also where an exception ends the scope.
class active_guard {
 public:
  explicit active_guard(owned_counter& gauge) : gauge_{gauge} { gauge_.add(); }
  ~active_guard() { gauge_.subtract(); }
  active_guard(const active_guard&) = delete;
  active_guard& operator=(const active_guard&) = delete;

 private:
  owned_counter& gauge_;
};

/// What a worker's sockets count. Written by that worker alone; read by a scrape.
struct alignas(64) worker_counters {
  owned_counter downstream_connections_active;  ///< gauges end `_active` or `_idle`
  owned_counter downstream_connections_total;
  owned_counter downstream_connections_refused;  ///< over the connection limit
  owned_counter downstream_tls_failures;
  owned_counter exchanges_active;
  owned_counter upstream_connections_active;  ///< lent to an attempt
  owned_counter upstream_connections_idle;
  owned_counter upstream_connects_total;
  owned_counter upstream_connect_failures;
  owned_counter upstream_tls_resumptions;
  owned_counter protocol_errors;  ///< requests refused for their framing or syntax
  owned_counter timeouts;         ///< connections closed by one of the downstream limits
  owned_counter access_log_dropped;
};

}  // namespace understudy::telemetry
