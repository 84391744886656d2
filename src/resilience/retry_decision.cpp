#include <understudy/resilience/retry_decision.hpp>

#include <initializer_list>

namespace understudy::resilience {
namespace {

constexpr int too_early = 425;
constexpr int conflict = 409;

trigger_set any_of(std::initializer_list<trigger> triggers) {
  trigger_set set;
  for (const trigger t : triggers) set.set(static_cast<std::size_t>(t));
  return set;
}

bool has(const retry_params& policy, trigger t) {
  return policy.triggers.test(static_cast<std::size_t>(t));
}

retriability classify_status(const retry_params& policy, const outcome& result) {
  // Decided by the trigger `envoy-ratelimited` alone, which no configuration can set.
  if (result.is_envoy_ratelimited) return retriability::no;
  const int status = result.status;
  const bool is_listed = has(policy, trigger::retriable_status_codes) && status >= 0 &&
                         static_cast<std::size_t>(status) < policy.status_codes.size() &&
                         policy.status_codes.test(static_cast<std::size_t>(status));
  if (is_listed && status == too_early)
    return result.is_early_data ? retriability::no : retriability::at_once;
  const bool is_retried = is_listed ||
                          (has(policy, trigger::five_xx) && status >= 500 && status <= 599) ||
                          (has(policy, trigger::gateway_error) && is_gateway_status(status)) ||
                          (has(policy, trigger::retriable_4xx) && status == conflict);
  return is_retried ? retriability::after_backoff : retriability::no;
}

// The triggers that retry a class once bytes may have been sent.
trigger_set triggers_of(failure_class what) {
  using enum trigger;
  static const trigger_set connecting = any_of({five_xx, gateway_error, reset, connect_failure});
  static const trigger_set broken = any_of({five_xx, gateway_error, reset, connection_closed});
  static const trigger_set silent = any_of({five_xx, gateway_error, reset, per_try_timeout});
  switch (what) {
    case failure_class::connect:
    case failure_class::connect_timeout:
    case failure_class::local_shortage:
      return connecting;
    case failure_class::closed:
    case failure_class::protocol:
      return broken;
    case failure_class::per_try:
      return silent;
    case failure_class::in_band:
    case failure_class::unprepared:
    case failure_class::status:
    case failure_class::global:
    case failure_class::overflow:
    case failure_class::no_host:
      break;
  }
  return {};
}

}  // namespace

retriability classify(const retry_params& policy, const outcome& result, bool is_request_sent) {
  if (!policy.is_present) return retriability::no;
  if (result.what == failure_class::status) return classify_status(policy, result);
  if (result.what == failure_class::unprepared) return retriability::after_backoff;
  if (result.what == failure_class::in_band)
    return policy.retries_in_band_errors ? retriability::after_backoff : retriability::no;
  trigger_set able = triggers_of(result.what);
  if (able.any() && !is_request_sent)
    able.set(static_cast<std::size_t>(trigger::reset_before_request));
  return (able & policy.triggers).any() ? retriability::after_backoff : retriability::no;
}

}  // namespace understudy::resilience
