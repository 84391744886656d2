#include <understudy/resilience/active_check.hpp>

#include <utility>

namespace understudy::resilience {

check_change check_state::on_result(check_result result, const active_check_params& params) {
  const bool was_first = std::exchange(is_first, false);
  is_waived = false;
  const bool is_pass = result == check_result::pass || result == check_result::degraded;
  if (is_pass) {
    is_degraded = result == check_result::degraded;
    failures = 0;
    if (!is_failed) return check_change::none;
    if (!was_first && ++passes < params.healthy_threshold) return check_change::none;
    is_failed = false;
    passes = 0;
    return check_change::passed;
  }
  passes = 0;
  if (is_failed) return was_first ? check_change::failed : check_change::none;
  if (result != check_result::mismatch && ++failures < params.unhealthy_threshold)
    return check_change::none;
  is_failed = true;
  failures = 0;
  return check_change::failed;
}

}  // namespace understudy::resilience
