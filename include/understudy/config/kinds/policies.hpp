#pragma once
#include <understudy/config/kinds/common.hpp>
#include <understudy/config/kinds/failover_policy.hpp>
#include <understudy/config/kinds/traffic_parts.hpp>

namespace understudy::config {

struct backoff_spec {
  located<milliseconds> base, max;
};

struct per_retry_spec {
  located<milliseconds> timeout;
  std::optional<backoff_spec> backoff;
};

struct retry_on_spec {
  std::vector<located<std::string>> triggers;
  std::vector<located<int>> codes;
  position at;
};

/// Defaults are the CRD's; those of an absent `retryOn` are `plan`'s to apply.
struct retry_spec {
  located<std::uint32_t> num_retries{2};
  located<std::uint32_t> attempts_per_priority;
  std::optional<per_retry_spec> per_retry;
  std::optional<retry_on_spec> retry_on;
  position at;
};

struct passive_health_spec {
  located<bool> is_split{false};
  located<milliseconds> interval{milliseconds{3'000}};
  located<std::uint32_t> consecutive_local_origin{5};
  located<std::uint32_t> consecutive_gateway;
  located<std::uint32_t> consecutive_5xx{5};
  located<milliseconds> base_ejection{milliseconds{30'000}};
  located<std::uint32_t> max_percent{10};
  located<std::uint32_t> failure_percentage;
  located<bool> always_one{false};
  position at;
};

struct health_check_spec {
  std::optional<passive_health_spec> passive;
  std::optional<active_health_spec> active;
  located<std::uint32_t> panic_threshold{50};
};

struct circuit_breaker_spec {
  located<std::uint32_t> connections{1024}, pending{1024}, requests{1024}, retries{1024};
  located<std::uint32_t> requests_per_connection;
  located<std::uint32_t> connections_per_endpoint;
  located<std::uint32_t> budget_percent, budget_minimum{3};  ///< retryBudget
};

struct backend_timeout_spec {
  located<milliseconds> connect{milliseconds{10'000}};
  located<milliseconds> request, stream_idle;
  located<milliseconds> connection_idle{milliseconds{3'600'000}};
  located<milliseconds> max_connection_duration, max_stream_duration;
};

struct dns_spec {
  located<milliseconds> refresh_rate{milliseconds{30'000}};
  located<bool> respects_ttl{true};
  located<std::string> family;
};

struct tcp_keepalive_spec {
  located<std::uint32_t> probes;
  located<milliseconds> idle_time, interval;
};

/// BackendTrafficPolicy. CRD: api/v1alpha1/backendtrafficpolicy_types.go of envoyproxy/gateway.
struct backend_traffic_policy {
  object_header header;
  std::vector<target_ref> targets;
  std::optional<retry_spec> retry;
  std::optional<health_check_spec> health;
  std::optional<circuit_breaker_spec> breaker;
  std::optional<backend_timeout_spec> timeout;
  std::optional<load_balancer_spec> load_balancer;
  std::optional<dns_spec> dns;
  std::optional<tcp_keepalive_spec> keepalive;
  located<std::uint64_t> request_buffer;  ///< requestBuffer.limit
  located<std::string> merge_type;
};

/// ClientTrafficPolicy. CRD: api/v1alpha1/clienttrafficpolicy_types.go of envoyproxy/gateway.
struct client_traffic_policy {
  object_header header;
  std::vector<target_ref> targets;
  located<std::uint64_t> buffer_limit;
  located<std::uint32_t> max_connections;
  located<milliseconds> request_headers, request_body, idle, stream_idle;
  located<std::uint64_t> max_header_bytes;
  located<std::string> underscores{"RejectRequest"};
};

}  // namespace understudy::config
