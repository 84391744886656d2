#include <algorithm>

#include "resilience/planner_impl.hpp"

// What follows a failed attempt, when it does (spec/resilience.md §1.4 … §1.9, FailoverPolicy).
namespace understudy::resilience {
decision attempt_planner::impl::retry_after_failure(attempt& a, const outcome& result,
                                                    retriability how) {
  const auto asked = asked_wait(result);
  const bool is_too_long = asked && *asked > *retry.max_retry_after_wait;
  if (is_too_long) {
    owner.eject_for(a.target.host, *asked);
    left_hosts.push_back(a.target.host);
  }
  if (slots[0].is_open && slots[1].is_open) return stop(a, result, stop_reason::none);
  if (retries >= retry.num_retries || is_only_silence_left()) {
    because = retries >= retry.num_retries ? decision_reason::attempts_used_up
                                           : decision_reason::all_silent;
    return finish(a, result, stop_reason::retries_exhausted);
  }
  if (is_too_long)
    return go_elsewhere(a, result, next_endpoint(a, a.rank, false), stop_reason::retries_exhausted);
  const host* same = asked ? owner.find(a.target.host) : nullptr;
  const auto& share = steer.load(owner.current_load(), tried_ranks.view());
  const bool is_kept = same != nullptr && same->is_in_service() &&
                       share.healthy[a.rank] + share.degraded[a.rank] > 0;
  if (is_kept) return wait_as_asked(a, result, *asked);
  if (take_retry()) return start_retry(a, result, how);
  const bool may_move_on =
      retry.moves_on_over_budget && result.what != failure_class::local_shortage;
  host* other = may_move_on ? next_endpoint(a, a.rank, false) : nullptr;
  return move_on(a, result, other, stop_reason::retry_overflow);
}

decision attempt_planner::impl::go_elsewhere(attempt& a, const outcome& result, host* target,
                                             stop_reason otherwise) {
  if (target == nullptr) {
    because = decision_reason::nowhere_else;
    return finish(a, result, otherwise);
  }
  if (!take_retry()) return move_on(a, result, target, stop_reason::retry_overflow);
  const bool is_other_model = is_misfit(result);
  close(a);
  return open(*target, is_other_model ? decision_reason::misfit : decision_reason::asked_to_leave);
}

// What the budget is there against is more of the same: a host that is new to the request is none.
decision attempt_planner::impl::move_on(attempt& a, const outcome& result, host* target,
                                        stop_reason otherwise) {
  if (target == nullptr || !retry.moves_on_over_budget || has_tried(target->id))
    return finish(a, result, otherwise);
  close(a);
  return open(*target, decision_reason::over_budget);
}

decision attempt_planner::impl::wait_as_asked(attempt& a, const outcome& result,
                                              milliseconds asked) {
  const time_point until = owner.now + asked;
  if (until >= deadline)
    return go_elsewhere(a, result, next_endpoint(a, a.rank, false), stop_reason::retries_exhausted);
  if (!take_retry())
    return move_on(a, result, next_endpoint(a, a.rank, false), stop_reason::retry_overflow);
  kept_host = a.target.host;
  close(a);
  decision d;
  d.step = next_step::wait;
  d.because = decision_reason::retry_after;
  d.until = wait_until = until;
  return d;
}

decision attempt_planner::impl::start_retry(attempt& a, const outcome& result, retriability how) {
  const time_point now = owner.now;
  owner.end_trial(a.target);
  if (now >= deadline && retry.is_deadline_aware) {
    because = decision_reason::deadline_near;
    return finish(a, result, stop_reason::retries_exhausted);
  }
  if (how == retriability::at_once || now >= deadline) {
    close(a);
    wait_until = now;
    return next(now);
  }
  // Elsewhere the same is missing: time helps, another priority does not.
  if (retry.is_immediate_on_next_priority && result.what != failure_class::local_shortage) {
    host* chosen = choose();
    if (chosen != nullptr && !has_tried_priority(chosen->rank)) {
      close(a);
      return open(*chosen);
    }
  }
  const time_point until = now + waits.wait(random);
  if (until >= deadline && retry.is_deadline_aware) {
    because = decision_reason::deadline_near;
    return finish(a, result, stop_reason::retries_exhausted);
  }
  close(a);
  decision d;
  d.step = next_step::wait;
  d.because = decision_reason::backoff;
  d.until = wait_until = std::min(until, deadline);
  return d;
}

// Only a priority that this request has not tried can do better.
decision attempt_planner::impl::on_misfit(attempt& a, const outcome& result) {
  for (const std::uint32_t rank : tried_ranks.view())
    if (rank < mask_bits) barred_ranks |= std::uint64_t{1} << rank;
  if (slots[0].is_open && slots[1].is_open) return stop(a, result, stop_reason::none);
  if (!limits.is_replayable || retries >= retry.num_retries || owner.now >= deadline)
    return finish(a, result, stop_reason::not_retriable);
  return go_elsewhere(a, result, next_endpoint(a, a.rank + 1, true), stop_reason::not_retriable);
}

// Nothing was sent, so nothing is counted: the next backend that is ready takes the attempt over.
decision attempt_planner::impl::on_unprepared(attempt& a, const outcome& result) {
  const bool is_excludable = a.target.locality < mask_bits;
  if (is_excludable) excluded |= std::uint64_t{1} << a.target.locality;
  left_hosts.push_back(a.target.host);
  if (is_excludable) --attempts;
  if (slots[0].is_open && slots[1].is_open) return stop(a, result, stop_reason::none);
  if (!retry.is_present || !limits.is_replayable || !is_excludable || result.is_final)
    return finish(a, result, stop_reason::not_retriable);
  holds_retry_slot = std::exchange(a.holds_retry_slot, false);
  close(a);
  host* chosen = choose();
  if (chosen == nullptr) return refused(stop_reason::not_retriable);
  if (!has_tried(chosen->id) || owner.now >= deadline)
    return open(*chosen, decision_reason::unprepared);
  decision d;
  d.step = next_step::wait;
  d.because = decision_reason::backoff;
  d.until = wait_until = std::min(owner.now + waits.wait(random), deadline);
  return d;
}

}  // namespace understudy::resilience
