#include "plan/origins.hpp"

#include <algorithm>

namespace understudy::plan {
namespace {

using config::backend_traffic_policy;

class writer {
 public:
  writer(const config::object_header& object, std::vector<written_field>& out)
      : label_{object.label()}, out_{out} {}

  void add(std::string_view field, const config::position& at) {
    if (at.line > 0) out_.push_back({label_, std::string{field}, place(at)});
  }
  template <class T>
  void add(std::string_view field, const config::located<T>& value) {
    if (value.is_written) add(field, value.at);
  }
  template <class T>
  void add(std::string_view field, const std::vector<config::located<T>>& list) {
    if (!list.empty()) add(field, list.front().at);
  }

 private:
  std::string label_;
  std::vector<written_field>& out_;
};

void note_backoff(writer& note, const config::backoff_spec& backoff) {
  note.add("spec.retry.perRetry.backOff.baseInterval", backoff.base);
  note.add("spec.retry.perRetry.backOff.maxInterval", backoff.max);
}

void note_retry(writer& note, const config::retry_spec& retry) {
  note.add("spec.retry", retry.at);
  note.add("spec.retry.numRetries", retry.num_retries);
  note.add("spec.retry.numAttemptsPerPriority", retry.attempts_per_priority);
  if (retry.per_retry) {
    note.add("spec.retry.perRetry.timeout", retry.per_retry->timeout);
    if (retry.per_retry->backoff) note_backoff(note, *retry.per_retry->backoff);
  }
  if (!retry.retry_on) return;
  note.add("spec.retry.retryOn", retry.retry_on->at);
  note.add("spec.retry.retryOn.httpStatusCodes", retry.retry_on->codes);
  note.add("spec.retry.retryOn.triggers", retry.retry_on->triggers);
}

void note_passive(writer& note, const config::passive_health_spec& passive) {
  note.add("spec.healthCheck.passive", passive.at);
  note.add("spec.healthCheck.passive.consecutive5XxErrors", passive.consecutive_5xx);
  note.add("spec.healthCheck.passive.consecutiveGatewayErrors", passive.consecutive_gateway);
  note.add("spec.healthCheck.passive.baseEjectionTime", passive.base_ejection);
  note.add("spec.healthCheck.passive.interval", passive.interval);
  note.add("spec.healthCheck.passive.maxEjectionPercent", passive.max_percent);
  note.add("spec.healthCheck.passive.consecutiveLocalOriginFailures",
           passive.consecutive_local_origin);
  note.add("spec.healthCheck.passive.failurePercentageThreshold", passive.failure_percentage);
  note.add("spec.healthCheck.passive.splitExternalLocalOriginErrors", passive.is_split);
}

void note_breaker(writer& note, const config::circuit_breaker_spec& breaker) {
  note.add("spec.circuitBreaker.maxConnections", breaker.connections);
  note.add("spec.circuitBreaker.maxPendingRequests", breaker.pending);
  note.add("spec.circuitBreaker.maxParallelRequests", breaker.requests);
  note.add("spec.circuitBreaker.maxParallelRetries", breaker.retries);
  note.add("spec.circuitBreaker.retryBudget", breaker.budget_percent);
}

}  // namespace

void note_written(const rule_context& rule, const backend_traffic_policy* policy,
                  const config::located<milliseconds>& request,
                  const config::located<milliseconds>& backend_request, compiled_rule& out) {
  writer route{rule.route, out.written};
  route.add("timeouts.request", request);
  route.add("timeouts.backendRequest", backend_request);
  if (policy == nullptr) return;
  writer note{policy->header, out.written};
  note.add("spec", policy->header.at);
  if (policy->retry) note_retry(note, *policy->retry);
  if (policy->health) {
    note.add("spec.healthCheck.panicThreshold", policy->health->panic_threshold);
    if (policy->health->passive) note_passive(note, *policy->health->passive);
  }
  if (policy->breaker) note_breaker(note, *policy->breaker);
  if (policy->load_balancer) note.add("spec.loadBalancer.type", policy->load_balancer->type);
  if (!policy->timeout) return;
  note.add("spec.timeout.http.requestTimeout", policy->timeout->request);
  note.add("spec.timeout.http.streamIdleTimeout", policy->timeout->stream_idle);
  note.add("spec.timeout.tcp.connectTimeout", policy->timeout->connect);
}

void note_stream_idle(const rule_context& rule, const config::located<milliseconds>& idle,
                      compiled_rule& out) {
  writer{rule.route, out.written}.add("streamIdleTimeout", idle);
}

void note_written(const config::client_traffic_policy& policy, client_limits& out) {
  writer note{policy.header, out.written};
  note.add("spec.connection.bufferLimit", policy.buffer_limit);
  note.add("spec.connection.connectionLimit.value", policy.max_connections);
  note.add("spec.headers.maxRequestHeaderLimit", policy.max_header_bytes);
  note.add("spec.timeout.http.requestReceivedTimeout", policy.request_body);
  note.add("spec.timeout.http.requestHeadersReceivedTimeout", policy.request_headers);
  note.add("spec.timeout.http.idleTimeout", policy.idle);
  note.add("spec.timeout.http.streamIdleTimeout", policy.stream_idle);
}

void note_written(const config::failover_policy& policy, compiled_rule& out) {
  writer note{policy.header, out.written};
  note.add("spec.attempts.perPriority", policy.attempts.per_priority);
  note.add("spec.attempts.max", policy.attempts.max);
  note.add("spec.attempts.timeout", policy.attempts.timeout);
  note.add("spec.attempts.backoff.base", policy.attempts.backoff_base);
  note.add("spec.attempts.backoff.max", policy.attempts.backoff_max);
  if (policy.retry_on.codes) note.add("spec.retryOn.statusCodes", *policy.retry_on.codes);
  note.add("spec.retryOn.connectFailure", policy.retry_on.connect_failure);
  note.add("spec.retryOn.reset", policy.retry_on.reset);
  note.add("spec.retryOn.timeout", policy.retry_on.timeout);
  note.add("spec.retryOn.inBandErrors", policy.retry_on.in_band_errors);
  note.add("spec.retryAfter.waitUpTo", policy.wait_up_to);
  note.add("spec.fallbackOn.contextWindowExceeded", policy.fallback_on.context_window);
  note.add("spec.fallbackOn.contentPolicy", policy.fallback_on.content_policy);
  note.add("spec.ejection.consecutive5XxErrors", policy.ejection.consecutive_5xx);
  note.add("spec.ejection.baseEjectionTime", policy.ejection.base_ejection);
  note.add("spec.ejection.maxEjectionPercent", policy.ejection.max_percent);
  note.add("spec.ejection.trialRequests", policy.ejection.trial_requests);
  note.add("spec.ejection.interval", policy.ejection.interval);
  note.add("spec.ejection.consecutiveGatewayErrors", policy.ejection.consecutive_gateway);
  note.add("spec.ejection.consecutiveLocalOriginFailures",
           policy.ejection.consecutive_local_origin);
  note.add("spec.ejection.failurePercentageThreshold", policy.ejection.failure_percentage);
  note.add("spec.ejection.splitExternalLocalOriginErrors", policy.ejection.is_split);
  note.add("spec.firstToken.timeout", policy.first_token.timeout);
  note.add("spec.firstToken.action", policy.first_token.is_hedged);
  note.add("spec.firstToken.hold", policy.first_token.hold);
  note.add("spec.firstToken.keepAlive", policy.first_token.keep_alive);
  note.add("spec.stream.idleTimeout", policy.stream.idle_timeout);
  note.add("spec.stream.onBreak", policy.stream.on_break);
  note.add("spec.hedge.after", policy.hedge.after);
  note.add("spec.hedge.after", policy.hedge.after_quantile);
  note.add("spec.hedge.max", policy.hedge.max);
  note.add("spec.hedge.budget", policy.hedge.budget);
  note.add("spec.retryBudget.percent", policy.budget_percent);
  note.add("spec.retryBudget.minimum", policy.budget_minimum);
  note.add("spec.guard", policy.guard);
}

const written_field* rule::find_written(std::string_view field) const {
  for (;;) {
    const auto found = std::ranges::find(written, field, &written_field::field);
    if (found != written.end()) return &*found;
    const auto dot = field.rfind('.');
    if (dot == field.npos) return nullptr;
    field = field.substr(0, dot);
  }
}

}  // namespace understudy::plan
