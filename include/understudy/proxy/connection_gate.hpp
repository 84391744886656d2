#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <understudy/resilience/host.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::proxy {

/// Upstream connections of one endpoint, over all workers.
struct endpoint_connections {
  std::atomic<std::uint32_t> open{0};
};

/// The connection limits of one rule, over all workers (spec/resilience.md §5.1): how many
/// connections, and how many requests that have none yet. Thread-safe; two workers that ask at the
/// same moment may go over a limit by one, as in Envoy.
class connection_gate {
 public:
  explicit connection_gate(const resilience::breaker_params& limits) : limits_{limits} {}

  /// A request without a connection; false: too many of them.
  bool try_pending();
  void end_pending() { --pending_; }

  bool may_connect(const endpoint_connections& endpoint) const;
  void opened(endpoint_connections& endpoint) {
    ++open_;
    ++endpoint.open;
  }
  void closed(endpoint_connections& endpoint) {
    --open_;
    --endpoint.open;
  }
  /// Requests that one connection may carry; 0: any number.
  std::uint32_t requests_per_connection() const {
    return limits_.max_requests_per_connection.value_or(0);
  }

  /// The same object for every worker while any of them holds it.
  std::shared_ptr<endpoint_connections> of(resilience::host_id host);

  std::uint32_t open() const { return open_; }
  std::uint32_t pending() const { return pending_; }

 private:
  const resilience::breaker_params limits_;
  std::atomic<std::uint32_t> open_{0}, pending_{0};
  std::mutex mutex_;
  std::map<resilience::host_id, std::weak_ptr<endpoint_connections>> endpoints_;
};

}  // namespace understudy::proxy
