#include "plan/policies.hpp"

#include <algorithm>
#include <array>

#include "plan/failover_policy.hpp"
#include "plan/origins.hpp"

namespace understudy::plan {
namespace {

using config::backend_traffic_policy;
using resilience::trigger;

constexpr std::array<std::pair<std::string_view, trigger>, 13> written_triggers{{
    {"5xx", trigger::five_xx},
    {"gateway-error", trigger::gateway_error},
    {"reset", trigger::reset},
    {"reset-before-request", trigger::reset_before_request},
    {"connect-failure", trigger::connect_failure},
    {"retriable-4xx", trigger::retriable_4xx},
    {"refused-stream", trigger::refused_stream},
    {"retriable-status-codes", trigger::retriable_status_codes},
    {"cancelled", trigger::cancelled},
    {"deadline-exceeded", trigger::deadline_exceeded},
    {"internal", trigger::internal},
    {"resource-exhausted", trigger::resource_exhausted},
    {"unavailable", trigger::unavailable},
}};

constexpr trigger default_triggers[] = {trigger::connect_failure, trigger::refused_stream,
                                        trigger::unavailable, trigger::cancelled,
                                        trigger::retriable_status_codes};

resilience::retry_params retry_as_written(const config::retry_spec& spec) {
  resilience::retry_params out;
  out.is_present = true;
  out.num_retries = spec.num_retries.value;
  if (spec.attempts_per_priority.value > 0)
    out.num_attempts_per_priority = spec.attempts_per_priority.value;
  const auto& on = spec.retry_on;
  if (!on || on->triggers.empty()) {
    for (const auto t : default_triggers) set(out.triggers, t);
  } else {
    for (const auto& written : on->triggers)
      set(out.triggers, std::ranges::find(written_triggers, written.value,
                                          &std::pair<std::string_view, trigger>::first)
                            ->second);
  }
  if (!on || (on->triggers.empty() && on->codes.empty())) {
    out.status_codes.set(503);
  } else {
    for (const auto& code : on->codes) out.status_codes.set(static_cast<std::size_t>(code.value));
  }
  if (spec.per_retry) {
    const auto& per = *spec.per_retry;
    if (per.timeout.is_written && per.timeout.value.count() > 0)
      out.per_try_timeout = per.timeout.value;
    if (per.backoff && per.backoff->base.is_written) {
      out.backoff.base = per.backoff->base.value;
      out.backoff.max =
          per.backoff->max.is_written ? per.backoff->max.value : 10 * per.backoff->base.value;
    }
  }
  return out;
}

resilience::ejection_params ejection_as_written(const config::passive_health_spec& spec) {
  resilience::ejection_params out;
  out.base_ejection_time = spec.base_ejection.value;
  out.interval = spec.interval.value;
  out.max_ejection_time = std::max(out.max_ejection_time, out.base_ejection_time);
  // Envoy Gateway does not pass a 0 on, so that Envoy's own default acts.
  out.max_ejection_percent = spec.max_percent.value == 0 ? 10 : spec.max_percent.value;
  out.consecutive_5xx = spec.consecutive_5xx.value;
  if (spec.consecutive_gateway.is_written)
    out.consecutive_gateway_errors = spec.consecutive_gateway.value;
  out.consecutive_local_origin_failures = spec.consecutive_local_origin.value;
  if (spec.failure_percentage.is_written)
    out.failure_percentage_threshold = spec.failure_percentage.value;
  out.is_split = spec.is_split.value;
  out.always_ejects_one = spec.always_one.value;
  return out;
}

resilience::breaker_params breakers(const config::circuit_breaker_spec& spec) {
  resilience::breaker_params out;
  out.max_connections = spec.connections.value;
  out.max_pending_requests = spec.pending.value;
  out.max_parallel_requests = spec.requests.value;
  out.max_parallel_retries = spec.retries.value;
  if (spec.budget_percent.is_written) {
    out.retry_budget.emplace();
    out.retry_budget->percent = spec.budget_percent.value;
    out.retry_budget->min_retry_concurrency = spec.budget_minimum.value;
  }
  if (spec.requests_per_connection.value > 0)
    out.max_requests_per_connection = spec.requests_per_connection.value;
  if (spec.connections_per_endpoint.is_written)
    out.max_connections_per_endpoint = spec.connections_per_endpoint.value;
  return out;
}

}  // namespace

const backend_traffic_policy* policy_for(compile_state& state, const rule_context& rule) {
  constexpr int farthest_of_route = 2;
  const backend_traffic_policy* best = nullptr;
  const backend_traffic_policy* parent = nullptr;  // the closest of a Gateway
  int closest = -1, closest_parent = -1;
  for (const auto& policy : state.in.traffic_policies)
    for (const auto& target : policy.targets) {
      const int close = closeness(policy.header, target, rule);
      if (close > closest) {
        closest = close;
        best = &policy;
      }
      if (close > closest_parent && close < farthest_of_route) {
        closest_parent = close;
        parent = &policy;
      }
    }
  if (parent == nullptr || parent == best || !best->merge_type.is_written) return best;
  return &state.merged.emplace_back(merged(*parent, *best));
}

void apply_policy(compile_state& state, const backend_traffic_policy* policy,
                  resilience::cluster_params& out) {
  const bool has_retry = policy != nullptr && policy->retry.has_value();
  const bool has_passive =
      policy != nullptr && policy->health.has_value() && policy->health->passive.has_value();
  if (has_retry) out.retry = retry_as_written(*policy->retry);
  if (has_passive) {
    out.ejection = ejection_as_written(*policy->health->passive);
    state.say.info(policy->health->passive->at, policy->header, "spec.healthCheck.passive",
                   "an ejection holds for all workers at once, and an endpoint that returns gets "
                   "one trial request at a time until one succeeds");
  }
  if (policy == nullptr) return;
  if (policy->health) out.panic_threshold = policy->health->panic_threshold.value;
  if (policy->breaker) out.breaker = breakers(*policy->breaker);
}

void apply_timeouts(compile_state& state, const rule_context& rule,
                    const backend_traffic_policy* policy,
                    const config::located<milliseconds>& request,
                    const config::located<milliseconds>& backend_request, rule_timeouts& out,
                    resilience::retry_params& retry) {
  const auto* spec = policy != nullptr && policy->timeout ? &*policy->timeout : nullptr;
  const auto optional = [](const config::located<milliseconds>& field) {
    return field.is_written && field.value.count() > 0 ? std::optional{field.value} : std::nullopt;
  };
  const bool is_on_policy = spec != nullptr && spec->request.is_written;
  if (request.is_written || is_on_policy) {
    out.request = optional(request.is_written ? request : spec->request);
  } else {
    out.request = milliseconds{600'000};
    out.is_head_only = true;
    state.say.info(rule.at, rule.route, rule.rule_field,
                   "no `timeouts.request`: 600s up to the first byte of the response, then only "
                   "the stream's idle limit");
  }
  const bool is_per_try_written = policy != nullptr && policy->retry && policy->retry->per_retry &&
                                  policy->retry->per_retry->timeout.is_written;
  if (backend_request.is_written && !is_per_try_written) {
    retry.per_try_timeout = optional(backend_request);
    retry.per_try_timeout_stream.reset();
  }
  if (rule.is_ai) out.body_idle = milliseconds{60'000};
  if (spec == nullptr) return;
  out.connect = spec->connect.value;
  out.connection_idle = spec->connection_idle.value;
  out.max_connection_duration = optional(spec->max_connection_duration);
  if (spec->stream_idle.is_written) {
    out.stream_idle = optional(spec->stream_idle);
    out.body_idle.reset();
  }
}

void apply_client_policy(compile_state& state) {
  const config::client_traffic_policy* chosen = nullptr;
  for (const auto& policy : state.in.client_policies) {
    if (chosen != nullptr) {
      state.say.warning(policy.header.at, policy.header, "",
                        "only one ClientTrafficPolicy acts, here " + chosen->header.id() +
                            "; remove one of the two");
      continue;
    }
    chosen = &policy;
  }
  auto& limits = state.out.limits;
  if ((chosen == nullptr || !chosen->buffer_limit.is_written) && !state.in.ai_routes.empty()) {
    const auto& route = state.in.ai_routes.front().header;
    state.say.info(route.at, route, "",
                   "no ClientTrafficPolicy writes `connection.bufferLimit`: request bodies up to "
                   "50Mi are taken and kept for retries");
  }
  if (chosen != nullptr) {
    const auto& c = *chosen;
    // Zero is no limit, as in Envoy.
    constexpr milliseconds never = std::chrono::hours{24 * 365};
    const auto limit = [&](milliseconds& to, const auto& written) {
      if (written.is_written) to = written.value.count() > 0 ? milliseconds{written.value} : never;
    };
    if (c.buffer_limit.is_written) limits.max_body_bytes = c.buffer_limit.value;
    if (c.max_header_bytes.is_written) limits.max_header_bytes = c.max_header_bytes.value;
    if (c.max_connections.is_written) limits.max_connections = c.max_connections.value;
    limit(limits.request_headers, c.request_headers);
    limit(limits.request_body, c.request_body);
    limit(limits.idle, c.idle);
    limits.rejects_underscores = c.underscores.value != "Allow";
    note_written(c, limits);
    if (c.stream_idle.is_written)
      for (auto& r : state.out.routes)
        for (auto& compiled : r.rules)
          if (!compiled.timeouts.stream_idle) {
            compiled.timeouts.stream_idle =
                c.stream_idle.value.count() > 0 ? std::optional{c.stream_idle.value} : std::nullopt;
            compiled.timeouts.body_idle.reset();
            for (const auto& field : limits.written)
              if (field.field == "spec.timeout.http.streamIdleTimeout")
                compiled.written.push_back(field);
          }
  }
}

}  // namespace understudy::plan
