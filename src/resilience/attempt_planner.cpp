#include <understudy/resilience/attempt_planner.hpp>

#include <algorithm>

#include "resilience/planner_impl.hpp"

namespace understudy::resilience {
namespace {

constexpr int first_error_status = 400;
constexpr int bad_request = 400;
constexpr int bad_gateway = 502;

bool is_silence(failure_class what) {
  return what == failure_class::per_try || what == failure_class::connect_timeout;
}

std::optional<base::duration> effective_per_try(const retry_params& retry,
                                                const request_limits& limits) {
  const auto& written = limits.is_stream && retry.per_try_timeout_stream
                            ? retry.per_try_timeout_stream
                            : retry.per_try_timeout;
  if (!written || written->count() <= 0) return std::nullopt;
  const bool has_request_timeout = limits.request_timeout && limits.request_timeout->count() > 0;
  if (has_request_timeout && *written >= *limits.request_timeout) return std::nullopt;
  return *written;
}

time_point deadline_of(const request_limits& limits, time_point start) {
  if (!limits.request_timeout || limits.request_timeout->count() <= 0) return time_point::max();
  return start + *limits.request_timeout;
}

stop_reason local_reason(failure_class what) {
  if (what == failure_class::overflow) return stop_reason::overflow;
  if (what == failure_class::no_host) return stop_reason::no_healthy_host;
  if (what == failure_class::global) return stop_reason::request_timeout;
  return stop_reason::none;
}

}  // namespace

attempt_planner::impl::impl(cluster::impl& cluster_state, base::random_source& source,
                            const request_limits& given, time_point start)
    : owner{cluster_state},
      retry{cluster_state.params.retry},
      random{source},
      limits{given},
      deadline{deadline_of(given, start)},
      per_try{effective_per_try(retry, given)},
      waits{retry.backoff},
      steer{owner.params.load_balancer == balancing::consistent_hash
                ? 0
                : retry.num_attempts_per_priority.value_or(0)},
      excluded{given.excluded_localities} {}

decision attempt_planner::impl::refused(stop_reason why) {
  if (std::exchange(holds_retry_slot, false)) owner.breaker.end_retry();
  decision d;
  d.why = why;
  d.because = std::exchange(because, decision_reason::load);
  return d;
}

decision attempt_planner::impl::next(time_point now) {
  owner.advance(now);
  if (now >= deadline) return refused(stop_reason::request_timeout);
  if (now < wait_until) {
    decision d;
    d.step = next_step::wait;
    d.until = wait_until;
    return d;
  }
  host* chosen = choose();
  return chosen != nullptr ? open(*chosen) : refused(why_nothing());
}

void attempt_planner::impl::note(attempt& a) {
  if (a.is_noted) return;
  a.is_noted = true;
  tried_hosts.push_back(a.target.host);
  tried_ranks.push_back(a.rank);
}

void attempt_planner::impl::close(attempt& a) {
  if (!a.is_open) return;
  a.is_open = false;
  if (a.holds_retry_slot) owner.breaker.end_retry();
  if (std::exchange(holds_hedge, false)) owner.breaker.end_hedge();
  owner.close(a.target);
}

void attempt_planner::impl::close_all() {
  for (attempt& a : slots) close(a);
  refused(stop_reason::none);
}

bool attempt_planner::impl::take_retry() {
  ++retries;
  holds_retry_slot = owner.breaker.try_retry();
  return holds_retry_slot;
}

bool attempt_planner::impl::is_misfit(const outcome& result) const {
  const bool is_answer =
      result.what == failure_class::status || result.what == failure_class::in_band;
  return is_answer && retry.is_present &&
         ((result.is_context_window && retry.falls_back_on_context_window) ||
          (result.is_content_policy && retry.falls_back_on_content_policy));
}

std::optional<milliseconds> attempt_planner::impl::asked_wait(const outcome& result) const {
  const bool is_answer =
      result.what == failure_class::status || result.what == failure_class::in_band;
  if (!is_answer || !retry.max_retry_after_wait) return std::nullopt;
  if (!result.retry_after || result.retry_after->count() <= 0) return std::nullopt;
  return result.retry_after;
}

// What health is told: that a request does not fit a model is no fault of the host.
outcome attempt_planner::impl::recorded(const outcome& result) const {
  outcome seen = result;
  if (is_misfit(result)) seen.status = bad_request;
  if (seen.what == failure_class::in_band && seen.status == 0) seen.status = bad_gateway;
  return seen;
}

void attempt_planner::impl::account(attempt& a, const outcome& result) {
  is_request_sent = is_request_sent || result.is_bytes_sent;
  // Nobody was asked: a shortage of our own leaves the host untried.
  if (result.what != failure_class::local_shortage) note(a);
  if (retry.avoids_timed_out_hosts && is_silence(result.what)) left_hosts.push_back(a.target.host);
  owner.record(a.target.host, recorded(result), owner.now);
  if (std::exchange(a.holds_retry_slot, false)) owner.breaker.end_retry();
  const bool is_success =
      result.what == failure_class::status && result.status < first_error_status;
  if (is_success && !limits.is_stream) on_content(a);
}

decision attempt_planner::impl::finish(attempt& a, const outcome& result, stop_reason why) {
  decision d = refused(why);
  d.target = a.target;
  d.slot = static_cast<std::uint8_t>(&a - slots.data());
  if (result.what != failure_class::status) {
    close(a);
    return d;
  }
  d.step = next_step::accept;
  accepted = a.target;
  return d;
}

// As finish(), unless the attempt beside this one may still do better.
decision attempt_planner::impl::stop(attempt& a, const outcome& result, stop_reason why) {
  if (!slots[0].is_open || !slots[1].is_open) return finish(a, result, why);
  decision d;
  d.step = next_step::await_other;
  d.target = a.target;
  d.slot = static_cast<std::uint8_t>(&a - slots.data());
  close(a);
  return d;
}

decision attempt_planner::impl::on_outcome(const outcome& result, time_point now,
                                           slot_number slot) {
  if (slot >= slots.size() || !slots[slot].is_open) return {};
  owner.advance(now);
  attempt& a = slots[slot];
  if (result.what == failure_class::unprepared) return on_unprepared(a, result);
  account(a, result);
  if (result.what == failure_class::global) return finish(a, result, stop_reason::request_timeout);
  if (const auto why = local_reason(result.what); why != stop_reason::none)
    return stop(a, result, why);
  if (is_misfit(result)) return on_misfit(a, result);
  outcome seen = result;
  seen.is_early_data = result.is_early_data || limits.is_early_data;
  const retriability how =
      limits.is_replayable ? classify(retry, seen, is_request_sent) : retriability::no;
  if (how == retriability::no) {
    if (!limits.is_replayable) because = decision_reason::body_not_kept;
    const bool is_answer = result.what == failure_class::status;
    const bool is_error = !is_answer || result.status >= first_error_status;
    const auto why = is_error ? stop_reason::not_retriable : stop_reason::none;
    return is_answer ? finish(a, result, why) : stop(a, result, why);
  }
  return retry_after_failure(a, result, how);
}

attempt_planner::attempt_planner(cluster& owner, base::random_source& random,
                                 const request_limits& limits, time_point start)
    : impl_{std::make_unique<impl>(*owner.impl_, random, limits, start)} {}

attempt_planner::~attempt_planner() { impl_->close_all(); }

decision attempt_planner::next(time_point now) { return impl_->next(now); }

decision attempt_planner::hedge(time_point now) { return impl_->hedge(now); }

void attempt_planner::on_connected(time_point now, slot_number slot) {
  if (slot >= impl_->slots.size() || !impl_->slots[slot].is_open) return;
  impl_->owner.advance(now);
  impl_->note(impl_->slots[slot]);
  impl_->owner.record_connected(impl_->slots[slot].target.host, now);
}

void attempt_planner::on_content(time_point now, slot_number slot) {
  impl_->owner.advance(now);
  if (slot < impl_->slots.size()) impl_->on_content(impl_->slots[slot]);
}

decision attempt_planner::on_outcome(const outcome& result, time_point now, slot_number slot) {
  return impl_->on_outcome(result, now, slot);
}

void attempt_planner::cancel(time_point now, slot_number slot) {
  impl_->owner.advance(now);
  if (slot >= impl_->slots.size()) return;
  if (impl_->slots[slot].target.host == impl_->accepted.host) impl_->accepted = {};
  impl_->close(impl_->slots[slot]);
}

void attempt_planner::end(ending how, time_point now) {
  impl_->owner.advance(now);
  impl_->end(how);
}

decision attempt_planner::resume(ending how, time_point now) { return impl_->resume(how, now); }

std::uint32_t attempt_planner::attempts() const { return impl_->attempts; }

time_point attempt_planner::request_deadline() const { return impl_->deadline; }

}  // namespace understudy::resilience
