#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/plan/plan.hpp>

namespace understudy::plan {

/// A value of a rule that decides something about a request, whichever policy may write it.
enum class setting : std::uint8_t {
  none,
  request_timeout,
  connect_timeout,
  per_try_timeout,
  per_try_idle,
  stream_idle,
  body_idle,
  num_retries,
  attempts_per_priority,
  status_codes,
  triggers,
  retry_connect_failure,  ///< FailoverPolicy has a switch of its own for each of these three
  retry_reset,
  retry_timeout,
  in_band_errors,
  backoff_base,
  backoff_max,
  retry_after,
  context_window,
  content_policy,
  consecutive_5xx,
  consecutive_gateway_errors,
  consecutive_local_origin_failures,
  failure_percentage,
  ejection_interval,
  base_ejection_time,
  max_ejection_percent,
  is_split,
  trial_requests,
  panic_threshold,
  max_connections,
  max_pending_requests,
  max_parallel_requests,
  max_parallel_retries,
  retry_budget,
  load_balancer,
  hedge_after,
  hedge_budget,
  first_token_timeout,
  first_token_action,
  first_token_hold,
  first_token_keep_alive,
  on_break,
  guard,
};
inline constexpr std::size_t setting_count = static_cast<std::size_t>(setting::guard) + 1;

/// Its name in /config: `retry.num_retries`.
std::string_view name(setting s);

/// As the policies spell them.
std::string_view name(resilience::trigger t);
std::string_view name(resilience::balancing b);
std::string_view name(on_break action);

/// Where the value in force comes from.
struct setting_origin {
  std::string object;  ///< `BackendTrafficPolicy default/policy`; empty: nobody has written it
  std::string field;   ///< as it is, or would be, written
  source_position at;  ///< of the value; of the block or the rule where it is a default
  bool is_default = false;
};

/// `rule`: where the rule stands, for what nobody has written.
setting_origin origin_of(setting s, std::span<const written_field> written,
                         const source_position& rule);

/// All that /config shows with its origin.
std::vector<setting> all_settings();

}  // namespace understudy::plan
