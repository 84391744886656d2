#include <algorithm>
#include <map>

#include "plan/policies.hpp"

namespace understudy::plan {
namespace {

using config::backend_traffic_policy;
using resilience::trigger;

bool has(const resilience::retry_params& retry, trigger t) {
  return retry.triggers.test(static_cast<std::size_t>(t));
}

bool retries_status(const resilience::retry_params& retry, std::size_t code) {
  if (has(retry, trigger::five_xx) && code >= 500) return true;
  if (has(retry, trigger::gateway_error) && code >= 502 && code <= 504) return true;
  if (has(retry, trigger::retriable_4xx) && code == 409) return true;
  return has(retry, trigger::retriable_status_codes) && retry.status_codes.test(code);
}

std::string list_of(const std::vector<std::size_t>& codes) {
  std::string out;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (i > 0) out += i + 1 == codes.size() ? " and " : ", ";
    out += std::to_string(codes[i]);
  }
  return out;
}

/// The priorities in use, sorted, each once.
std::vector<std::uint32_t> priorities_of(const rule& compiled) {
  std::vector<std::uint32_t> out;
  for (const auto& b : compiled.backends)
    if (b.weight > 0) out.push_back(b.priority);
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void lint_codes(compile_state& state, const backend_traffic_policy& policy, const rule& compiled) {
  const auto& spec = *policy.retry;
  const auto& retry = compiled.cluster.retry;
  if (retry.num_retries == 0) return;
  const auto at = spec.retry_on ? spec.retry_on->at : spec.at;
  if (spec.retry_on && !spec.retry_on->codes.empty() &&
      !has(retry, trigger::retriable_status_codes))
    state.say.warning(spec.retry_on->codes.front().at, policy.header,
                      "spec.retry.retryOn.httpStatusCodes",
                      "acts only with the trigger `retriable-status-codes`; add it to `triggers`");
  if (const auto& ejection = compiled.cluster.ejection) {
    const bool ejects_any = ejection->consecutive_5xx > 0;
    const bool ejects_gateway = ejects_any || ejection->consecutive_gateway_errors.value_or(0) > 0;
    std::vector<std::size_t> visible;
    for (const std::size_t code : {500U, 502U, 503U, 504U})
      if ((code == 500 ? ejects_any : ejects_gateway) && !retries_status(retry, code))
        visible.push_back(code);
    if (!visible.empty())
      state.say.warning(at, policy.header, "spec.retry.retryOn",
                        list_of(visible) +
                            " count towards ejection but are not retried: clients see a failure "
                            "before each ejection; add to `httpStatusCodes`");
  }
  std::vector<std::size_t> overload;
  for (const std::size_t code : {429U, 529U})
    if (!retries_status(retry, code)) overload.push_back(code);
  if (!overload.empty())
    state.say.warning(at, policy.header, "spec.retry.retryOn",
                      list_of(overload) +
                          ", which providers answer when overloaded, reach the client without "
                          "failover; add to `httpStatusCodes`");
}

/// Whether a detector is on that single failures can set off. The success rate needs five hosts
/// and a hundred requests each; nobody counts on it.
bool can_eject(const rule& compiled) {
  const auto& e = compiled.cluster.ejection;
  return e && (e->consecutive_5xx > 0 || e->consecutive_gateway_errors.value_or(0) > 0 ||
               (e->is_split && e->consecutive_local_origin_failures > 0) ||
               e->failure_percentage_threshold);
}

void lint_reach(compile_state& state, const rule_context& rule,
                const backend_traffic_policy& policy, const compiled_rule& out) {
  const auto& retry = out.cluster.retry;
  const auto levels = priorities_of(out).size();
  if (levels < 2 || retry.num_retries == 0) return;
  const auto& spec = *policy.retry;
  // Envoy's table of a consistent hash knows one load only: nothing steers its retries.
  const bool is_hashed = out.cluster.load_balancer == resilience::balancing::consistent_hash;
  if ((!retry.num_attempts_per_priority || is_hashed) && !can_eject(out)) {
    const bool is_idle = is_hashed && retry.num_attempts_per_priority;
    state.say.warning(is_idle ? spec.attempts_per_priority.at : spec.at, policy.header,
                      is_idle ? "spec.retry.numAttemptsPerPriority" : "spec.retry",
                      "no retry can reach a fallback of " + rule.route.id() +
                          (is_idle ? ": it has no effect with `ConsistentHash`; write "
                                     "`healthCheck.passive`"
                                   : ": without ejection every attempt stays at the first "
                                     "priority; write `numAttemptsPerPriority: 1`"));
    return;
  }
  const auto needed = retry.num_attempts_per_priority.value_or(1) * (levels - 1);
  if (retry.num_retries < needed)
    state.say.warning(spec.num_retries.is_written ? spec.num_retries.at : spec.at, policy.header,
                      "spec.retry.numRetries",
                      std::to_string(retry.num_retries) + " can't reach the last of " +
                          std::to_string(levels) + " priorities of " + rule.route.id() +
                          "; write at least " + std::to_string(needed));
}

void lint_times(compile_state& state, const rule_context& rule,
                const backend_traffic_policy& policy, const compiled_rule& out) {
  const auto& retry = out.cluster.retry;
  if (!retry.per_try_timeout || !out.timeouts.request) return;
  const auto per_try = *retry.per_try_timeout;
  const auto whole = *out.timeouts.request;
  const auto& spec = *policy.retry;
  const auto at =
      spec.per_retry && spec.per_retry->timeout.is_written ? spec.per_retry->timeout.at : spec.at;
  const auto seconds = [](milliseconds t) {
    return t.count() % 1000 == 0 ? std::to_string(t.count() / 1000) + "s"
                                 : std::to_string(t.count()) + "ms";
  };
  if (per_try >= whole) {
    state.say.warning(at, policy.header, "spec.retry.perRetry.timeout",
                      seconds(per_try) + " is not below the request timeout of " + rule.route.id() +
                          ", " + seconds(whole) + ", and never acts; write less");
    return;
  }
  const auto levels = priorities_of(out).size();
  const auto attempts =
      levels < 2 ? 1 : retry.num_attempts_per_priority.value_or(1) * (levels - 1) + 1;
  if (retry.num_retries + 1 >= attempts && per_try * static_cast<std::int64_t>(attempts) > whole)
    state.say.warning(at, policy.header, "spec.retry.perRetry.timeout",
                      std::to_string(attempts) + " attempts of " + seconds(per_try) +
                          " do not fit in the request timeout of " + rule.route.id() + ", " +
                          seconds(whole) + ": a silent backend leaves no time for the last one");
}

void lint_passive(compile_state& state, const rule_context& rule,
                  const backend_traffic_policy& policy, const compiled_rule& out) {
  const auto& spec = *policy.health->passive;
  if (spec.consecutive_local_origin.is_written && !spec.is_split.value)
    state.say.warning(spec.consecutive_local_origin.at, policy.header,
                      "spec.healthCheck.passive.consecutiveLocalOriginFailures",
                      "has no effect while `splitExternalLocalOriginErrors` is false: failed "
                      "connections count as 5xx");
  std::size_t endpoints = 0;
  bool is_resolved = false;
  for (const auto& b : out.backends) {
    if (b.weight == 0) continue;
    endpoints += b.targets.size();
    is_resolved = is_resolved || std::ranges::any_of(b.targets, [](const target& t) {
                    return t.kind == target_kind::fqdn;
                  });
  }
  const auto percent = out.cluster.ejection->max_ejection_percent;
  if (endpoints > 0 && endpoints * percent < 100 && !spec.always_one.value)
    state.say.warning(spec.max_percent.is_written ? spec.max_percent.at : spec.at, policy.header,
                      "spec.healthCheck.passive.maxEjectionPercent",
                      std::to_string(percent) + " % of " + std::to_string(endpoints) +
                          (endpoints == 1 ? " endpoint" : " endpoints") + " of " + rule.route.id() +
                          " is none: nothing is ever ejected" +
                          (is_resolved ? " unless a name has more addresses" : "") + "; write 100");
}

}  // namespace

void lint_policy(compile_state& state, const rule_context& rule,
                 const backend_traffic_policy* policy, const compiled_rule& compiled) {
  const auto levels = priorities_of(compiled);
  for (std::size_t i = 0; i < levels.size(); ++i)
    if (levels[i] != i) {
      state.say.warning(rule.at, rule.route, rule.rule_field + ".backendRefs",
                        "no backend has priority " + std::to_string(i) +
                            "; number priorities from 0 without gaps");
      break;
    }
  if (levels.empty())
    state.say.warning(rule.at, rule.route, rule.rule_field + ".backendRefs",
                      "every weight is 0: no request can be served; give one a weight");
  const bool has_addresses = std::ranges::any_of(compiled.backends, [](const backend& b) {
    return std::ranges::any_of(b.targets,
                               [](const target& t) { return t.kind == target_kind::ip; });
  });
  if (levels.size() > 1 && has_addresses)
    state.say.info(rule.at, rule.route, rule.rule_field + ".backendRefs",
                   "priorities hold for `ip` endpoints too");
  if (policy == nullptr || policy->header.is_broken) return;
  if (policy->retry) {
    lint_codes(state, *policy, compiled);
    lint_reach(state, rule, *policy, compiled);
    lint_times(state, rule, *policy, compiled);
  }
  if (policy->health && policy->health->passive) lint_passive(state, rule, *policy, compiled);
}

}  // namespace understudy::plan
