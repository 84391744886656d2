#include <understudy/plan/setting.hpp>

#include <algorithm>
#include <array>

namespace understudy::plan {
namespace {

/// `fields` in the order in which they win. A block stands where its own defaults count as written
/// (`spec.retry` of a BackendTrafficPolicy shuts out a FailoverPolicy's `attempts`).
struct row {
  std::string_view name;
  std::array<std::string_view, 4> fields;
};

constexpr std::string_view retry_block = "spec.retry";
constexpr std::string_view passive_block = "spec.healthCheck.passive";

constexpr std::array<row, setting_count> rows{{
    {"none", {}},
    {"timeouts.request", {"timeouts.request", "spec.timeout.http.requestTimeout"}},
    {"timeouts.connect", {"spec.timeout.tcp.connectTimeout"}},
    {"retry.per_try_timeout",
     {"spec.retry.perRetry.timeout", "timeouts.backendRequest", retry_block,
      "spec.attempts.timeout"}},
    {"timeouts.per_try_idle", {"streamIdleTimeout"}},
    {"timeouts.stream_idle", {"spec.timeout.http.streamIdleTimeout"}},
    {"timeouts.body_idle", {"spec.timeout.http.streamIdleTimeout", "spec.stream.idleTimeout"}},
    {"retry.num_retries", {"spec.retry.numRetries", retry_block, "spec.attempts.max"}},
    {"retry.num_attempts_per_priority",
     {"spec.retry.numAttemptsPerPriority", retry_block, "spec.attempts.perPriority"}},
    {"retry.status_codes",
     {"spec.retry.retryOn.httpStatusCodes", "spec.retry.retryOn", retry_block,
      "spec.retryOn.statusCodes"}},
    {"retry.triggers",
     {"spec.retry.retryOn.triggers", "spec.retry.retryOn", retry_block,
      "spec.retryOn.statusCodes"}},
    {"retry.connect_failure",
     {"spec.retry.retryOn.triggers", "spec.retry.retryOn", retry_block,
      "spec.retryOn.connectFailure"}},
    {"retry.reset",
     {"spec.retry.retryOn.triggers", "spec.retry.retryOn", retry_block, "spec.retryOn.reset"}},
    {"retry.timeout",
     {"spec.retry.retryOn.triggers", "spec.retry.retryOn", retry_block, "spec.retryOn.timeout"}},
    {"retry.in_band_errors", {"spec.retryOn.inBandErrors"}},
    {"retry.backoff_base",
     {"spec.retry.perRetry.backOff.baseInterval", retry_block, "spec.attempts.backoff.base"}},
    {"retry.backoff_max",
     {"spec.retry.perRetry.backOff.maxInterval", retry_block, "spec.attempts.backoff.max"}},
    {"retry.retry_after_up_to", {"spec.retryAfter.waitUpTo"}},
    {"retry.context_window_to_next_priority", {"spec.fallbackOn.contextWindowExceeded"}},
    {"retry.content_policy_to_next_priority", {"spec.fallbackOn.contentPolicy"}},
    {"ejection.consecutive_5xx",
     {"spec.healthCheck.passive.consecutive5XxErrors", "spec.ejection.consecutive5XxErrors",
      passive_block}},
    {"ejection.consecutive_gateway_errors",
     {"spec.healthCheck.passive.consecutiveGatewayErrors", "spec.ejection.consecutiveGatewayErrors",
      passive_block}},
    {"ejection.consecutive_local_origin_failures",
     {"spec.healthCheck.passive.consecutiveLocalOriginFailures",
      "spec.ejection.consecutiveLocalOriginFailures", passive_block}},
    {"ejection.failure_percentage_threshold",
     {"spec.healthCheck.passive.failurePercentageThreshold",
      "spec.ejection.failurePercentageThreshold", passive_block}},
    {"ejection.interval",
     {"spec.healthCheck.passive.interval", "spec.ejection.interval", passive_block}},
    {"ejection.base_ejection_time",
     {"spec.healthCheck.passive.baseEjectionTime", "spec.ejection.baseEjectionTime",
      passive_block}},
    {"ejection.max_ejection_percent",
     {"spec.healthCheck.passive.maxEjectionPercent", "spec.ejection.maxEjectionPercent",
      passive_block}},
    {"ejection.split_external_local_origin_errors",
     {"spec.healthCheck.passive.splitExternalLocalOriginErrors",
      "spec.ejection.splitExternalLocalOriginErrors", passive_block}},
    {"ejection.trial_requests", {"spec.ejection.trialRequests"}},
    {"panic_threshold", {"spec.healthCheck.panicThreshold"}},
    {"circuit_breakers.max_connections", {"spec.circuitBreaker.maxConnections"}},
    {"circuit_breakers.max_pending_requests", {"spec.circuitBreaker.maxPendingRequests"}},
    {"circuit_breakers.max_parallel_requests", {"spec.circuitBreaker.maxParallelRequests"}},
    {"circuit_breakers.max_parallel_retries", {"spec.circuitBreaker.maxParallelRetries"}},
    {"circuit_breakers.retry_budget",
     {"spec.circuitBreaker.retryBudget", "spec.circuitBreaker.maxParallelRetries",
      "spec.retryBudget.percent", "spec.retryBudget.minimum"}},
    {"load_balancer", {"spec.loadBalancer.type"}},
    {"hedge.after", {"spec.hedge.after"}},
    {"hedge.budget_percent", {"spec.hedge.budget"}},
    {"first_token.timeout", {"spec.firstToken.timeout"}},
    {"first_token.action", {"spec.firstToken.action"}},
    {"first_token.hold", {"spec.firstToken.hold"}},
    {"first_token.keep_alive", {"spec.firstToken.keepAlive"}},
    {"stream.on_break", {"spec.stream.onBreak"}},
    {"guard", {"spec.guard"}},
}};

const row& row_of(setting s) { return rows[static_cast<std::size_t>(s)]; }

bool is_block(std::string_view field) {
  return field == retry_block || field == passive_block || field == "spec.retry.retryOn";
}

constexpr std::string_view trigger_names[resilience::trigger_count] = {"5xx",
                                                                       "gateway-error",
                                                                       "reset",
                                                                       "reset-before-request",
                                                                       "connect-failure",
                                                                       "retriable-4xx",
                                                                       "refused-stream",
                                                                       "retriable-status-codes",
                                                                       "cancelled",
                                                                       "deadline-exceeded",
                                                                       "internal",
                                                                       "resource-exhausted",
                                                                       "unavailable",
                                                                       "per-try-timeout",
                                                                       "connection-closed"};

}  // namespace

std::string_view name(resilience::trigger t) { return trigger_names[static_cast<std::size_t>(t)]; }

std::string_view name(resilience::balancing balancing) {
  switch (balancing) {
    case resilience::balancing::round_robin:
      return "RoundRobin";
    case resilience::balancing::random:
      return "Random";
    case resilience::balancing::consistent_hash:
      return "ConsistentHash";
    case resilience::balancing::backend_utilization:
      return "BackendUtilization";
    case resilience::balancing::least_request:
      break;
  }
  return "LeastRequest";
}

std::string_view name(on_break action) {
  switch (action) {
    case on_break::verify:
      return "verify";
    case on_break::resume:
      return "continue";
    case on_break::buffer:
      return "buffer";
    case on_break::terminate:
      break;
  }
  return "terminate";
}

std::string_view name(setting s) { return row_of(s).name; }

setting_origin origin_of(setting s, std::span<const written_field> written,
                         const source_position& rule) {
  const auto& fields = row_of(s).fields;
  for (const auto field : fields) {
    if (field.empty()) break;
    const auto found = std::ranges::find(written, field, &written_field::field);
    if (found == written.end()) continue;
    const bool is_default = is_block(field);
    return {found->object, std::string{is_default ? fields.front() : field}, found->at, is_default};
  }
  // Nobody's: named as understudy's own policy would write it.
  std::string_view last;
  for (const auto field : fields)
    if (!field.empty() && !is_block(field)) last = field;
  return {{}, std::string{last}, rule, true};
}

std::vector<setting> all_settings() {
  std::vector<setting> out;
  for (std::size_t i = 1; i < setting_count; ++i) out.push_back(static_cast<setting>(i));
  return out;
}

}  // namespace understudy::plan
