#include <algorithm>

#include "resilience/planner_impl.hpp"

namespace understudy::resilience {
namespace {

constexpr int reasoning_factor = 3;

bool is_able(const retry_params& policy, failure_class what) {
  outcome result;
  result.what = what;
  result.is_bytes_sent = true;
  return classify(policy, result, true) != retriability::no;
}

}  // namespace

std::optional<base::duration> attempt_planner::impl::first_token_limit(bool is_hedged) const {
  const hedge_params& p = owner.params.hedge;
  if (!limits.is_stream || !p.first_token || p.is_first_token_hedged != is_hedged)
    return std::nullopt;
  return *p.first_token * (limits.is_reasoning ? reasoning_factor : 1);
}

attempt_planner::impl::attempt* attempt_planner::impl::only_open() {
  if (slots[0].is_open == slots[1].is_open) return nullptr;
  return slots[0].is_open ? &slots[0] : &slots[1];
}

// What the caller must know from the attempt's start. Cheap where neither firstToken nor hedge
// acts.
void attempt_planner::impl::set_limits_of(decision& d, const attempt& a) {
  const hedge_params& p = owner.params.hedge;
  if (!(limits.is_stream && p.first_token) && !p.after && !p.quantile) return;
  if (!is_retry_left() || !has_other_usable(a)) return;
  if (!p.is_first_token_hedged && is_able(retry, failure_class::per_try))
    d.first_token_timeout = first_token_limit(false);
  if (!limits.may_hedge) return;
  const auto take = [&](std::optional<base::duration> time) {
    if (time && (!d.hedge_after || *time < *d.hedge_after)) d.hedge_after = time;
  };
  take(first_token_limit(true));
  if (hedges >= p.max) return;
  if (p.after) take(*p.after);
  if (p.quantile) take(owner.content_times[limits.is_stream ? 1 : 0].quantile(*p.quantile));
}

decision attempt_planner::impl::open(host& chosen) {
  if (!owner.breaker.try_request()) return refused(stop_reason::overflow);
  ++attempts;
  const bool is_beside = slots[0].is_open;
  attempt& a = slots[is_beside ? 1 : 0];
  a = {};
  a.is_open = true;
  a.rank = chosen.rank;
  a.start = owner.now;
  a.holds_retry_slot = std::exchange(holds_retry_slot, false);
  a.target = owner.open(chosen);
  a.target.is_panic = a.target.is_panic || !chosen.is_in_service();
  decision d;
  d.step = next_step::attempt;
  d.target = a.target;
  d.per_try_timeout = per_try;
  d.slot = is_beside ? 1 : 0;
  d.because = std::exchange(because, decision_reason::load);
  const load_share& share = owner.load.load;
  if (a.rank < share.healthy.size())
    d.load_percent = share.healthy[a.rank] + share.degraded[a.rank];
  if (!slots[0].is_open || !slots[1].is_open) set_limits_of(d, a);
  return d;
}

decision attempt_planner::impl::hedge(time_point now) {
  owner.advance(now);
  const attempt* open_one = only_open();
  if (open_one == nullptr || open_one->has_content || accepted.host != no_host) return {};
  if (!is_retry_left()) return refused(stop_reason::retries_exhausted);
  const auto speaks_by = first_token_limit(true);
  const base::duration silence = now - open_one->start;
  // `max` is for the hedges that nobody needs; a stream without content gets its companion.
  if (hedges >= owner.params.hedge.max && (!speaks_by || silence < *speaks_by)) {
    decision later = refused(stop_reason::retries_exhausted);
    if (speaks_by) later.hedge_after = *speaks_by - silence;
    return later;
  }
  if (now >= deadline) return refused(stop_reason::request_timeout);
  host* other = next_endpoint(*open_one, open_one->rank, false);
  if (other == nullptr) return refused(stop_reason::no_healthy_host);
  if (!owner.breaker.try_hedge(owner.params.hedge.budget_percent))
    return refused(stop_reason::retry_overflow);
  decision d = open(*other, decision_reason::beside);
  if (d.step != next_step::attempt) {
    owner.breaker.end_hedge();
    return d;
  }
  holds_hedge = true;
  ++hedges;
  ++retries;
  return d;
}

void attempt_planner::impl::on_content(attempt& a) {
  if (!a.is_open || a.has_content) return;
  a.has_content = true;
  owner.content_times[limits.is_stream ? 1 : 0].add(owner.now - a.start);
}

void attempt_planner::impl::end(ending how) {
  for (attempt& a : slots) {
    const bool is_whole_answer = accepted.host == no_host || accepted.host == a.target.host;
    if (a.is_open && is_whole_answer && how == ending::upstream_broke)
      owner.record_broken_stream(a.target.host, false, owner.now);
    if (a.is_open && is_whole_answer && how == ending::idle_timeout)
      owner.record_broken_stream(a.target.host, true, owner.now);
  }
  close_all();
}

decision attempt_planner::impl::resume(ending how, time_point now) {
  owner.advance(now);
  const bool is_broken = how == ending::upstream_broke || how == ending::idle_timeout;
  const attempt* last = slots[1].is_open && !slots[0].is_open ? &slots[1] : &slots[0];
  if (accepted.host != no_host && slots[1].is_open && slots[1].target.host == accepted.host)
    last = &slots[1];
  const attempt broken = *last;
  end(how);
  accepted = {};
  if (!broken.is_open || !is_broken || !limits.is_replayable) return {};
  if (how == ending::idle_timeout && retry.avoids_timed_out_hosts)
    left_hosts.push_back(broken.target.host);
  if (limits.is_head_only) deadline = time_point::max();
  if (now >= deadline) return refused(stop_reason::request_timeout);
  if (retries >= retry.num_retries) return refused(stop_reason::retries_exhausted);
  host* target = next_endpoint(broken, broken.rank, false);
  if (target == nullptr && !has_left(broken.target.host)) {
    target = owner.find(broken.target.host);
    if (target != nullptr && !target->is_usable(owner.trial_limit())) target = nullptr;
  }
  if (target == nullptr) return refused(stop_reason::no_healthy_host);
  const bool is_new = retry.moves_on_over_budget && !has_tried(target->id);
  if (!take_retry() && !is_new) return refused(stop_reason::retry_overflow);
  return open(*target, decision_reason::resumed);
}

}  // namespace understudy::resilience
