#include <understudy/resilience/attempt_planner.hpp>

#include <algorithm>

#include <understudy/resilience/backoff.hpp>
#include <understudy/resilience/inline_list.hpp>
#include <understudy/resilience/retry_decision.hpp>
#include <understudy/resilience/steering.hpp>

#include "resilience/cluster_impl.hpp"

namespace understudy::resilience {
namespace {

// One pick and five more that avoid hosts already tried (host_selection_retry_max_attempts).
constexpr std::uint32_t picks_of_retry = 6;
constexpr int first_error_status = 400;

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

}  // namespace

struct attempt_planner::impl {
  impl(cluster::impl& cluster_state, base::random_source& source, const request_limits& given,
       time_point start)
      : owner{cluster_state},
        retry{cluster_state.params.retry},
        random{source},
        limits{given},
        deadline{deadline_of(given, start)},
        per_try{effective_per_try(retry, given)},
        waits{retry.backoff},
        steer{owner.params.load_balancer == balancing::consistent_hash
                  ? 0
                  : retry.num_attempts_per_priority.value_or(0)} {}

  decision next(time_point now);
  decision on_outcome(const outcome& result, time_point now);
  void note_host_attempted();
  void close();
  void release_retry_slot();

  std::uint64_t chance() { return limits.hint.hash ? *limits.hint.hash : random.next(); }
  host* choose();
  host* choose_for_retry();
  decision open(host& chosen);
  decision start_retry(retriability how, time_point now);
  decision finish(const outcome& result, stop_reason why);
  bool has_tried_priority(std::uint32_t rank) const;
  bool is_only_silence_left();

  cluster::impl& owner;
  const retry_params& retry;
  base::random_source& random;
  request_limits limits;
  time_point deadline;
  std::optional<base::duration> per_try;
  backoff waits;
  steering steer;

  // Each attempt whose host was reached, or refused the connection.
  inline_list<host_id, 8> tried_hosts;
  inline_list<std::uint32_t, 8> tried_ranks;
  inline_list<host_id, 4> silent_hosts;
  std::uint32_t attempts = 0;
  std::uint32_t retries = 0;
  pick current;
  std::uint32_t current_rank = 0;
  bool is_open = false;
  bool is_noted = false;  // the open attempt is in tried_hosts
  bool is_request_sent = false;
  bool holds_retry_slot = false;
  time_point wait_until = time_point::min();
};

host* attempt_planner::impl::choose() {
  if (attempts > 0) return choose_for_retry();
  if (host* kept = owner.pick_session(limits.hint)) return kept;
  const std::size_t rank = choose_priority(owner.current_load().load, chance());
  return rank == no_priority ? nullptr : owner.pick_in(rank, random, limits.hint, 0);
}

host* attempt_planner::impl::choose_for_retry() {
  const load_table& table = owner.current_load();
  host* chosen = nullptr;
  for (std::uint32_t i = 0; i < picks_of_retry; ++i) {
    const std::size_t rank = choose_priority(steer.load(table, tried_ranks.view()), chance());
    chosen = rank == no_priority ? nullptr : owner.pick_in(rank, random, limits.hint, i);
    if (chosen == nullptr) return nullptr;
    if (std::ranges::find(tried_hosts.view(), chosen->id) == tried_hosts.view().end())
      return chosen;
  }
  const auto silent = silent_hosts.view();
  if (std::ranges::find(silent, chosen->id) == silent.end()) return chosen;
  return owner.pick_other(silent, random);
}

decision attempt_planner::impl::open(host& chosen) {
  decision d;
  if (!owner.breaker.try_request()) {
    release_retry_slot();
    d.why = stop_reason::overflow;
    return d;
  }
  ++attempts;
  is_open = true;
  is_noted = false;
  current_rank = chosen.rank;
  current = owner.open(chosen);
  d.step = next_step::attempt;
  d.target = current;
  d.per_try_timeout = per_try;
  return d;
}

decision attempt_planner::impl::next(time_point now) {
  owner.advance(now);
  decision d;
  if (now >= deadline) {
    release_retry_slot();
    d.why = stop_reason::request_timeout;
    return d;
  }
  if (now < wait_until) {
    d.step = next_step::wait;
    d.until = wait_until;
    return d;
  }
  host* chosen = choose();
  if (chosen != nullptr) return open(*chosen);
  release_retry_slot();
  d.why = stop_reason::no_healthy_host;
  return d;
}

void attempt_planner::impl::note_host_attempted() {
  if (is_noted) return;
  is_noted = true;
  tried_hosts.push_back(current.host);
  tried_ranks.push_back(current_rank);
}

void attempt_planner::impl::close() {
  if (!is_open) return;
  is_open = false;
  owner.close(current);
}

void attempt_planner::impl::release_retry_slot() {
  if (!holds_retry_slot) return;
  holds_retry_slot = false;
  owner.breaker.end_retry();
}

bool attempt_planner::impl::has_tried_priority(std::uint32_t rank) const {
  return std::ranges::find(tried_ranks.view(), rank) != tried_ranks.view().end();
}

bool attempt_planner::impl::is_only_silence_left() {
  return !silent_hosts.empty() && owner.pick_other(silent_hosts.view(), random) == nullptr;
}

decision attempt_planner::impl::finish(const outcome& result, stop_reason why) {
  decision d;
  d.why = why;
  d.target = current;
  if (result.what == failure_class::status)
    d.step = next_step::accept;
  else
    close();
  return d;
}

decision attempt_planner::impl::on_outcome(const outcome& result, time_point now) {
  if (!is_open) return {};
  owner.advance(now);
  is_request_sent = is_request_sent || result.is_bytes_sent;
  note_host_attempted();
  if (retry.avoids_timed_out_hosts && is_silence(result.what)) silent_hosts.push_back(current.host);
  owner.record(current.host, result, now);
  release_retry_slot();

  if (result.what == failure_class::overflow) return finish(result, stop_reason::overflow);
  if (result.what == failure_class::no_host) return finish(result, stop_reason::no_healthy_host);
  if (result.what == failure_class::global) return finish(result, stop_reason::request_timeout);
  outcome seen = result;
  seen.is_early_data = result.is_early_data || limits.is_early_data;
  const retriability how =
      limits.is_replayable ? classify(retry, seen, is_request_sent) : retriability::no;
  if (how == retriability::no) {
    const bool is_error =
        result.what != failure_class::status || result.status >= first_error_status;
    return finish(result, is_error ? stop_reason::not_retriable : stop_reason::none);
  }
  if (retries >= retry.num_retries || is_only_silence_left())
    return finish(result, stop_reason::retries_exhausted);
  ++retries;
  if (!owner.breaker.try_retry()) return finish(result, stop_reason::retry_overflow);
  holds_retry_slot = true;
  close();
  return start_retry(how, now);
}

decision attempt_planner::impl::start_retry(retriability how, time_point now) {
  if (how == retriability::at_once || now >= deadline) {
    wait_until = now;
    return next(now);
  }
  if (retry.is_immediate_on_next_priority) {
    host* chosen = choose();
    if (chosen != nullptr && !has_tried_priority(chosen->rank)) return open(*chosen);
  }
  decision d;
  d.step = next_step::wait;
  wait_until = std::min(now + waits.wait(random), deadline);
  d.until = wait_until;
  return d;
}

attempt_planner::attempt_planner(cluster& owner, base::random_source& random,
                                 const request_limits& limits, time_point start)
    : impl_{std::make_unique<impl>(*owner.impl_, random, limits, start)} {}

attempt_planner::~attempt_planner() {
  impl_->close();
  impl_->release_retry_slot();
}

decision attempt_planner::next(time_point now) { return impl_->next(now); }

decision attempt_planner::hedge(time_point) { return {}; }

void attempt_planner::on_content(time_point, slot_number) {}

void attempt_planner::cancel(time_point, slot_number) { impl_->close(); }

decision attempt_planner::resume(ending how, time_point now) {
  end(how, now);
  return {};
}

void attempt_planner::on_connected(time_point now, slot_number) {
  if (!impl_->is_open) return;
  impl_->owner.advance(now);
  impl_->note_host_attempted();
  impl_->owner.record_connected(impl_->current.host, now);
}

decision attempt_planner::on_outcome(const outcome& result, time_point now, slot_number) {
  return impl_->on_outcome(result, now);
}

void attempt_planner::end(ending how, time_point now) {
  impl_->owner.advance(now);
  const host_id host = impl_->current.host;
  if (impl_->is_open && how == ending::upstream_broke)
    impl_->owner.record_broken_stream(host, false, now);
  if (impl_->is_open && how == ending::idle_timeout)
    impl_->owner.record_broken_stream(host, true, now);
  impl_->close();
  impl_->release_retry_slot();
}

std::uint32_t attempt_planner::attempts() const { return impl_->attempts; }

time_point attempt_planner::request_deadline() const { return impl_->deadline; }

}  // namespace understudy::resilience
