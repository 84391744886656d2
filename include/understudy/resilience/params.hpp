#pragma once
#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

/// Parameters of the failover engine, filled by `plan` from the configuration (CRD defaults are
/// already in). Semantics: spec/resilience.md; field names follow BackendTrafficPolicy.
namespace understudy::resilience {

using std::chrono::milliseconds;

/// retryOn.triggers, one bit each. HTTP/1.1 never produces the gRPC ones; they are kept.
enum class trigger : std::uint8_t {
  five_xx,
  gateway_error,
  reset,
  reset_before_request,
  connect_failure,
  retriable_4xx,
  refused_stream,
  retriable_status_codes,
  cancelled,
  deadline_exceeded,
  internal,
  resource_exhausted,
  unavailable,
  per_try_timeout,  ///< FailoverPolicy `retryOn.timeout`; no BackendTrafficPolicy trigger means it
                    ///< alone
  connection_closed,  ///< likewise `retryOn.reset`: established connections that fail
};
inline constexpr std::size_t trigger_count = 15;
using trigger_set = std::bitset<trigger_count>;
inline void set(trigger_set& out, trigger t) { out.set(static_cast<std::size_t>(t)); }

struct backoff_params {
  milliseconds base{25};
  milliseconds max{250};
  bool operator==(const backoff_params&) const = default;
};

struct retry_params {
  std::uint32_t num_retries = 0;
  bool is_present = false;  ///< a policy exists (flag URX is possible even with num_retries 0)
  std::optional<std::uint32_t> num_attempts_per_priority;
  trigger_set triggers;
  std::bitset<600> status_codes;  ///< acts with trigger retriable_status_codes
  backoff_params backoff;
  std::optional<milliseconds> per_try_timeout;         ///< unary and, unless set below, streams
  std::optional<milliseconds> per_try_timeout_stream;  ///< FailoverPolicy tells them apart
  /// FailoverPolicy's behaviour where Envoy has none; all false for a written BackendTrafficPolicy.
  bool is_immediate_on_next_priority = false;  ///< no back-off before the first try of a priority
  bool avoids_timed_out_hosts = false;         ///< a silent host is not tried again by this request
  bool retries_in_band_errors = false;         ///< also where no trigger covers them
  bool falls_back_on_context_window = false;   ///< to the next priority; ejects nothing
  bool falls_back_on_content_policy = false;
  /// Where the retry budget is spent a request still moves on to an endpoint that it has not tried.
  bool moves_on_over_budget = false;
  bool is_deadline_aware = false;  ///< no wait and no attempt that ends beyond the deadline
  /// Present: Retry-After and its kind are followed; up to this long on the same endpoint, a longer
  /// one ejects it for just that long.
  std::optional<milliseconds> max_retry_after_wait;
  bool operator==(const retry_params&) const = default;
};

struct ejection_params {
  milliseconds base_ejection_time{30'000};
  milliseconds interval{3'000};
  milliseconds max_ejection_time{300'000};  ///< raised to base where base is larger
  std::uint32_t max_ejection_percent = 10;  ///< as Envoy receives it: 0 in the YAML has become 10
  std::uint32_t consecutive_5xx = 5;
  std::optional<std::uint32_t> consecutive_gateway_errors;
  std::uint32_t consecutive_local_origin_failures = 5;
  std::optional<std::uint32_t> failure_percentage_threshold;
  bool is_split = false;  ///< splitExternalLocalOriginErrors
  bool always_ejects_one = false;
  std::uint32_t trial_requests = 1;  ///< FailoverPolicy `ejection.trialRequests`; 0: no limit
  bool operator==(const ejection_params&) const = default;
};

enum class balancing : std::uint8_t {
  least_request,
  round_robin,
  random,
  consistent_hash,
  backend_utilization
};

/// Replaces max_parallel_retries: a share of the requests in flight, at least a minimum.
struct retry_budget_params {
  std::uint32_t percent = 20;
  std::uint32_t min_retry_concurrency = 3;
  bool operator==(const retry_budget_params&) const = default;
};

struct breaker_params {
  std::uint32_t max_connections = 1024;
  std::uint32_t max_pending_requests = 1024;
  std::uint32_t max_parallel_requests = 1024;
  std::uint32_t max_parallel_retries = 1024;
  std::optional<retry_budget_params> retry_budget;
  std::optional<std::uint32_t> max_requests_per_connection;
  std::optional<std::uint32_t> max_connections_per_endpoint;
  bool operator==(const breaker_params&) const = default;
};

/// A second attempt beside one that is slow to speak (FailoverPolicy `hedge`, `firstToken`).
struct hedge_params {
  std::optional<milliseconds> after;      ///< `hedge.after` as a duration
  std::optional<std::uint32_t> quantile;  ///< … or of the recent times to the first content, 1–99
  std::uint32_t max = 1;                  ///< of one request, one at a time
  std::uint32_t budget_percent = 10;  ///< hedges in flight, of requests in flight; three always may
  /// Streams only; three times as long where the request asks for reasoning.
  std::optional<milliseconds> first_token;
  bool is_first_token_hedged = true;  ///< else the attempt fails
  bool operator==(const hedge_params&) const = default;
};

/// One backendRef of the rule: a locality in Envoy's words.
struct locality_params {
  std::uint32_t priority = 0;
  std::uint32_t weight = 1;  ///< 0: left out
  bool operator==(const locality_params&) const = default;
};

/// loadBalancer.backendUtilization: weights from the load reports in response headers.
struct utilization_params {
  milliseconds blackout{10'000};      ///< how long a host must report before it is believed
  milliseconds expiration{180'000};   ///< silence after which its weight is forgotten
  milliseconds update_period{1'000};  ///< weights change this often, 100 ms at the most often
  double error_penalty = 0;           ///< times errors per request, added to the utilization
  bool operator==(const utilization_params&) const = default;
};

/// healthCheck.active, as far as it is time and counting; what is sent is the prober's.
struct active_check_params {
  milliseconds timeout{1'000};
  milliseconds interval{3'000};  ///< from a result to the next check
  milliseconds initial_jitter{0};
  milliseconds no_traffic_interval{60'000};  ///< instead, until the cluster has had a request
  std::uint32_t unhealthy_threshold = 3;
  std::uint32_t healthy_threshold = 1;
  bool operator==(const active_check_params&) const = default;
};

struct cluster_params {
  std::vector<locality_params> localities;  ///< index = position of the backendRef in the rule
  retry_params retry;
  hedge_params hedge;
  std::optional<ejection_params> ejection;  ///< absent: nothing is ever ejected
  balancing load_balancer = balancing::least_request;
  std::uint32_t hash_table_size = 65'537;           ///< consistent_hash; a prime
  utilization_params utilization;                   ///< backend_utilization
  std::optional<milliseconds> slow_start_window;    ///< not for random and consistent_hash
  std::optional<active_check_params> active_check;  ///< absent: hosts are not checked
  std::uint32_t panic_threshold = 50;
  breaker_params breaker;
  bool operator==(const cluster_params&) const = default;
};

}  // namespace understudy::resilience
