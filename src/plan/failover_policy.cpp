#include "plan/failover_policy.hpp"

#include <algorithm>

namespace understudy::plan {
namespace {

using config::backend_traffic_policy;
using config::failover_policy;
using resilience::trigger;

std::optional<milliseconds> above_zero(const config::located<milliseconds>& field) {
  return field.value.count() > 0 ? std::optional{field.value} : std::nullopt;
}

template <class Out, class Value>
void take(Out& out, const config::located<Value>& field) {
  if (field.is_written) out = field.value;
}

resilience::trigger_set triggers_of(const failover_policy::retry_on_spec& on) {
  resilience::trigger_set out;
  set(out, trigger::retriable_status_codes);
  if (on.connect_failure.value) set(out, trigger::connect_failure);
  if (on.timeout.value) set(out, trigger::per_try_timeout);
  // Envoy's `reset` covers failed connections and silence, too.
  const bool is_all = on.connect_failure.value && on.timeout.value;
  if (on.reset.value) set(out, is_all ? trigger::reset : trigger::connection_closed);
  return out;
}

resilience::retry_params retry_of(const failover_policy& policy) {
  resilience::retry_params out;
  out.is_present = true;
  out.num_retries = policy.attempts.max.value - 1;
  out.num_attempts_per_priority = policy.attempts.per_priority.value;
  out.triggers = triggers_of(policy.retry_on);
  if (policy.retry_on.codes) {
    for (const auto& code : *policy.retry_on.codes)
      out.status_codes.set(static_cast<std::size_t>(code.value));
  } else {
    for (const std::size_t code : {408U, 409U, 425U, 429U}) out.status_codes.set(code);
    for (std::size_t code = 500; code < 600; ++code) out.status_codes.set(code);
  }
  out.backoff = {policy.attempts.backoff_base.value, policy.attempts.backoff_max.value};
  if (policy.attempts.timeout.is_written) {
    out.per_try_timeout = above_zero(policy.attempts.timeout);
  } else {
    out.per_try_timeout = milliseconds{300'000};
    out.per_try_timeout_stream = milliseconds{30'000};
  }
  out.is_immediate_on_next_priority = true;
  out.avoids_timed_out_hosts = true;
  out.moves_on_over_budget = true;
  return out;
}

resilience::ejection_params ejection_of(const failover_policy::ejection_spec& spec) {
  resilience::ejection_params out;
  out.is_split = spec.is_split.value;
  out.always_ejects_one = spec.always_one.value;
  out.interval = spec.interval.value;
  out.base_ejection_time = spec.base_ejection.value;
  out.consecutive_local_origin_failures = spec.consecutive_local_origin.value;
  out.consecutive_5xx = spec.consecutive_5xx.value;
  out.max_ejection_percent = spec.max_percent.value;
  if (spec.consecutive_gateway.is_written)
    out.consecutive_gateway_errors = spec.consecutive_gateway.value;
  if (spec.failure_percentage.is_written)
    out.failure_percentage_threshold = spec.failure_percentage.value;
  out.trial_requests = spec.trial_requests.value;
  out.max_ejection_time = std::max(out.max_ejection_time, out.base_ejection_time);
  return out;
}

/// What a BackendTrafficPolicy's `passive` leaves unwritten.
void complete(resilience::ejection_params& out, const config::passive_health_spec& written,
              const failover_policy::ejection_spec& spec) {
  const auto fill = [](auto& to, const auto& theirs, const auto& ours) {
    if (!theirs.is_written) take(to, ours);
  };
  fill(out.is_split, written.is_split, spec.is_split);
  fill(out.always_ejects_one, written.always_one, spec.always_one);
  fill(out.interval, written.interval, spec.interval);
  fill(out.base_ejection_time, written.base_ejection, spec.base_ejection);
  fill(out.consecutive_local_origin_failures, written.consecutive_local_origin,
       spec.consecutive_local_origin);
  fill(out.consecutive_5xx, written.consecutive_5xx, spec.consecutive_5xx);
  fill(out.consecutive_gateway_errors, written.consecutive_gateway, spec.consecutive_gateway);
  fill(out.max_ejection_percent, written.max_percent, spec.max_percent);
  fill(out.failure_percentage_threshold, written.failure_percentage, spec.failure_percentage);
  take(out.trial_requests, spec.trial_requests);
  out.max_ejection_time = std::max(out.max_ejection_time, out.base_ejection_time);
}

resilience::hedge_params hedge_of(const failover_policy& policy) {
  resilience::hedge_params out;
  take(out.after, policy.hedge.after);
  take(out.quantile, policy.hedge.after_quantile);
  out.max = policy.hedge.max.value;
  out.budget_percent = policy.hedge.budget.value;
  out.first_token = above_zero(policy.first_token.timeout);
  out.is_first_token_hedged = policy.first_token.is_hedged.value;
  return out;
}

/// What looks into bodies; the names of `onBreak` are checked where they are read.
failover bodies_of(const failover_policy& policy) {
  failover out;
  out.holds = policy.first_token.hold.value;
  out.keep_alive = above_zero(policy.first_token.keep_alive);
  out.is_guarded = policy.guard.value;
  const auto& action = policy.stream.on_break.value;
  if (action == "verify") out.at_break = on_break::verify;
  if (action == "continue") out.at_break = on_break::resume;
  if (action == "buffer") out.at_break = on_break::buffer;
  return out;
}

void say_defaults(compile_state& state, const rule_context& rule, bool is_ejecting) {
  state.say.info(rule.at, rule.route, rule.rule_field,
                 "no BackendTrafficPolicy writes `retry`: 3 attempts a priority and 8 in all, on "
                 "408, 409, 425, 429, 5xx, failed connections, resets and silence (30s for a "
                 "stream, 300s otherwise), with 250ms to 5s of back-off");
  state.say.info(rule.at, rule.route, rule.rule_field,
                 "no FailoverPolicy: a stream without content after 12s is joined by the next "
                 "endpoint, the first content wins; a Retry-After up to 3s is waited for, a longer "
                 "one ejects for just that long; retries are at most 20 % of the requests in "
                 "flight, beyond it a request moves on to an endpoint it has not tried");
  if (is_ejecting)
    state.say.info(rule.at, rule.route, rule.rule_field,
                   "no BackendTrafficPolicy writes `retry` or `healthCheck.passive`: an endpoint "
                   "is ejected for 10s after 3 consecutive 5xx, up to 100 % of them");
}

void apply_budget(const backend_traffic_policy* traffic, const failover_policy& policy,
                  resilience::breaker_params& out) {
  const bool is_written =
      traffic != nullptr && traffic->breaker &&
      (traffic->breaker->budget_percent.is_written || traffic->breaker->budget_minimum.is_written ||
       traffic->breaker->retries.is_written);
  if (!is_written) out.retry_budget = {policy.budget_percent.value, policy.budget_minimum.value};
}

}  // namespace

int closeness(const config::object_header& policy, const config::target_ref& target,
              const rule_context& rule) {
  const auto& kind = target.kind.value;
  const bool is_route = kind == "HTTPRoute" || (kind == "AIGatewayRoute" && rule.is_ai);
  if (is_route && policy.name_space == rule.route.name_space &&
      target.name.value == rule.route.name) {
    if (!target.section.is_written) return 2;
    return target.section.value == rule.rule_name ? 3 : -1;
  }
  if (kind != "Gateway") return -1;
  for (const auto& parent : rule.parents) {
    const auto& space =
        parent.name_space.is_written ? parent.name_space.value : rule.route.name_space;
    if (parent.name.value != target.name.value || space != policy.name_space) continue;
    if (!target.section.is_written) return 0;
    if (!parent.section.is_written || parent.section.value == target.section.value) return 1;
  }
  return -1;
}

const failover_policy* failover_for(const compile_state& state, const rule_context& rule) {
  const failover_policy* best = nullptr;
  int closest = -1;
  for (const auto& policy : state.in.failover_policies)
    for (const auto& target : policy.targets)
      if (const int close = closeness(policy.header, target, rule); close > closest) {
        closest = close;
        best = &policy;
      }
  return best;
}

void apply_failover(compile_state& state, const rule_context& rule,
                    const backend_traffic_policy* traffic, const failover_policy* written,
                    compiled_rule& out) {
  if (written == nullptr && !rule.is_ai) return;
  const bool has_retry = traffic != nullptr && traffic->retry.has_value();
  const bool has_passive =
      traffic != nullptr && traffic->health.has_value() && traffic->health->passive.has_value();
  static const failover_policy defaults;
  const failover_policy& policy = written != nullptr ? *written : defaults;
  auto& cluster = out.cluster;
  auto& retry = cluster.retry;
  if (!has_retry) retry = retry_of(policy);
  if (has_passive) {
    complete(*cluster.ejection, *traffic->health->passive, policy.ejection);
  } else if (!has_retry || written != nullptr) {
    cluster.ejection = ejection_of(policy.ejection);
  }
  if (written == nullptr && !has_retry) say_defaults(state, rule, !has_passive);
  if (!has_retry || written != nullptr) {
    retry.max_retry_after_wait = policy.wait_up_to.value;
    retry.is_deadline_aware = true;
    apply_budget(traffic, policy, cluster.breaker);
  }
  if (!rule.is_ai) return;
  retry.retries_in_band_errors = policy.retry_on.in_band_errors.value;
  retry.falls_back_on_context_window = policy.fallback_on.context_window.value;
  retry.falls_back_on_content_policy = policy.fallback_on.content_policy.value;
  if (!has_retry || written != nullptr) cluster.hedge = hedge_of(policy);
  out.failover = bodies_of(policy);
}

void apply_stream_idle(const failover_policy* policy, rule_timeouts& out) {
  if (policy == nullptr || !out.body_idle || !policy->stream.idle_timeout.is_written) return;
  out.body_idle = above_zero(policy->stream.idle_timeout);
}

}  // namespace understudy::plan
