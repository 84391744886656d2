#include "resilience/cluster_impl.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <understudy/resilience/hash.hpp>

namespace understudy::resilience {
namespace {

// Beyond this many that nobody took, further events are lost; the state itself never is.
constexpr std::size_t max_events = 4096;

health_event::kind event_kind(health_change::kind what) {
  switch (what) {
    case health_change::kind::ejected:
      return health_event::kind::ejected;
    case health_change::kind::returned:
      return health_event::kind::returned;
    case health_change::kind::check_failed:
      return health_event::kind::check_failed;
    case health_change::kind::check_passed:
      return health_event::kind::check_passed;
    case health_change::kind::none:
    case health_change::kind::refused:
      break;
  }
  return health_event::kind::ejection_refused;
}

}  // namespace

cluster::impl::impl(cluster_params given, time_point start)
    : params{std::move(given)}, detector{params.ejection, start}, breaker{params.breaker} {
  const auto& localities = params.localities;
  for (const auto& l : localities) priority_of_rank.push_back(l.priority);
  std::ranges::sort(priority_of_rank);
  priority_of_rank.erase(std::unique(priority_of_rank.begin(), priority_of_rank.end()),
                         priority_of_rank.end());
  const balancer_settings settings{params.load_balancer, params.hash_table_size, params.utilization,
                                   params.slow_start_window};
  balancers.assign(priority_of_rank.size(), balancer{settings});
  std::vector<std::size_t> next_place(priority_of_rank.size(), 0);
  for (const auto& l : localities) {
    const auto found = std::ranges::lower_bound(priority_of_rank, l.priority);
    const auto rank = static_cast<std::size_t>(found - priority_of_rank.begin());
    rank_of_locality.push_back(static_cast<std::uint32_t>(rank));
    place_of_locality.push_back(next_place[rank]++);
    balancers[rank].add_locality(l.weight);
  }
  by_locality.resize(localities.size());
  counts.resize(priority_of_rank.size());
  is_rank_stale.assign(priority_of_rank.size(), 1);
}

host* cluster::impl::find(host_id id) {
  const auto found = std::ranges::lower_bound(hosts, id, {}, [](const auto& h) { return h->id; });
  return found != hosts.end() && (*found)->id == id ? found->get() : nullptr;
}

const host* cluster::impl::find(host_id id) const { return const_cast<impl*>(this)->find(id); }

void cluster::impl::advance(time_point to) {
  now = to;
  while (detector.next_change() <= to) {
    const time_point at = detector.next_change();
    sweep_changes.clear();
    if (detector.is_return_first())
      detector.return_timed(hosts, sweep_changes);
    else
      detector.sweep(hosts, to, sweep_changes);
    for (const auto& change : sweep_changes) apply(change, at);
  }
}

void cluster::impl::apply(const health_change& change, time_point at) {
  if (change.what == health_change::kind::none) return;
  const host& h = *change.who;
  if (change.what != health_change::kind::refused) mark_stale(h.rank);
  if (events.size() >= max_events) return;
  events.push_back({event_kind(change.what), h.id, h.locality, h.address, change.detector,
                    h.health.multiplier, at, detector.ejection_time(h)});
}

void cluster::impl::mark_stale(std::uint32_t rank) {
  is_rank_stale[rank] = 1;
  is_stale = true;
}

void cluster::impl::drop(const host& gone) {
  detector.on_host_removed(gone);
  const auto found =
      std::ranges::lower_bound(hosts, gone.id, {}, [](const auto& h) { return h->id; });
  hosts.erase(found);
}

void cluster::impl::set_hosts(std::uint32_t locality, const std::vector<std::string>& addresses) {
  if (locality >= by_locality.size()) return;
  const std::uint32_t rank = rank_of_locality[locality];
  std::unordered_map<std::string_view, host*> known;
  for (host* h : by_locality[locality]) known.emplace(h->address, h);
  std::vector<host*> present;
  const bool is_left_out = params.localities[locality].weight == 0;
  for (const auto& address : addresses) {
    if (is_left_out) break;
    if (const auto old = known.find(address); old != known.end()) {
      if (old->second == nullptr) continue;  // named twice
      present.push_back(old->second);
      old->second = nullptr;
      continue;
    }
    auto added = std::make_unique<host>();
    added->id = next_id++;
    added->locality = locality;
    added->rank = rank;
    added->address = address;
    added->key = hash_text(address, locality);
    added->in_service_since = now;
    if (params.active_check) added->check.begin(!is_warm);
    known.emplace(added->address, nullptr);
    present.push_back(added.get());
    detector.on_host_added();
    restore(*added);
    hosts.push_back(std::move(added));
  }
  std::vector<const host*> gone;
  for (const auto& [address, h] : known)
    if (h != nullptr) gone.push_back(h);
  for (const host* h : gone) drop(*h);
  by_locality[locality] = present;
  balancers[rank].set_hosts(place_of_locality[locality], std::move(present));
  mark_stale(rank);
}

void cluster::impl::restore(host& added) {
  const auto known = std::ranges::find_if(expected, [&](const host_history& h) {
    return h.locality == added.locality && h.address == added.address;
  });
  if (known == expected.end()) return;
  detector.restore(added, known->health);
  added.reported = known->reported;
  added.in_service_since = known->in_service_since;
  if (params.active_check && known->check) {
    added.check = *known->check;
    added.check.is_running = added.check.is_scheduled = false;
  }
  expected.erase(known);
}

void cluster::impl::record(host_id id, const outcome& result, time_point at) {
  host* h = find(id);
  if (h == nullptr) return;
  const bool was_full = h->trial.is_full(trial_limit());
  const health_change change = detector.record(*h, result, at);
  if (was_full && !h->trial.is_full(trial_limit())) mark_stale(h->rank);
  apply(change, at);
}

void cluster::impl::record_broken_stream(host_id id, bool is_idle_timeout, time_point at) {
  host* h = find(id);
  if (h != nullptr) apply(detector.record_broken_stream(*h, is_idle_timeout, at), at);
}

void cluster::impl::eject_for(host_id id, base::duration length) {
  if (host* h = find(id)) apply(detector.eject_for(*h, length, now), now);
}

void cluster::impl::record_connected(host_id id, time_point) {
  if (host* h = find(id)) detector.record_connected(*h);
}

void cluster::impl::rebuild() {
  for (std::size_t rank = 0; rank < balancers.size(); ++rank) {
    if (!is_rank_stale[rank]) continue;
    balancers[rank].refresh(trial_limit());
    counts[rank] = {balancers[rank].usable(), balancers[rank].degraded(), balancers[rank].total()};
    is_rank_stale[rank] = 0;
  }
  compute_load(counts, params.panic_threshold, load);
  is_stale = false;
}

const load_table& cluster::impl::current_load() {
  if (is_stale) rebuild();
  return load;
}

host* cluster::impl::pick_in(std::size_t rank, base::random_source& random, const choice_hint& hint,
                             std::uint32_t nth, bool is_degraded) {
  return balancers[rank].pick(random, load.is_panic[rank] != 0, {now, hint.hash, nth, is_degraded});
}

host* cluster::impl::pick_session(const choice_hint& hint) {
  if (!hint.session) return nullptr;
  const auto found =
      std::ranges::find_if(hosts, [&](const auto& h) { return h->key == *hint.session; });
  if (found == hosts.end() || !(*found)->is_usable(trial_limit())) return nullptr;
  const auto& share = current_load().load;
  const auto rank = (*found)->rank;
  return share.healthy[rank] + share.degraded[rank] > 0 ? found->get() : nullptr;
}

host* cluster::impl::pick_other(std::span<const host_id> avoided, base::random_source& random) {
  current_load();
  for (std::size_t rank = 0; rank < balancers.size(); ++rank) {
    const auto candidates = balancers[rank].candidates(load.is_panic[rank] != 0);
    if (candidates.empty()) continue;
    const std::size_t first = random.below(candidates.size());
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      host* h = candidates[(first + i) % candidates.size()];
      if (std::ranges::find(avoided, h->id) == avoided.end()) return h;
    }
  }
  return nullptr;
}

pick cluster::impl::open(host& chosen) {
  pick opened;
  opened.host = chosen.id;
  opened.locality = chosen.locality;
  opened.priority = priority_of_rank[chosen.rank];
  opened.is_panic = load.is_panic[chosen.rank] != 0;
  opened.key = chosen.key;
  if (!has_traffic) on_first_traffic();
  ++chosen.active_requests;
  if (chosen.trial.is_on() && !chosen.trial.is_full(trial_limit())) {
    opened.is_trial = true;
    chosen.trial.take_slot();
    if (chosen.trial.is_full(trial_limit())) mark_stale(chosen.rank);
  }
  return opened;
}

void cluster::impl::close(pick& opened) {
  breaker.end_request();
  end_trial(opened);
  if (host* h = find(opened.host)) --h->active_requests;
}

void cluster::impl::end_trial(pick& opened) {
  if (!std::exchange(opened.is_trial, false)) return;
  host* h = find(opened.host);
  if (h == nullptr) return;
  const bool was_full = h->trial.is_full(trial_limit());
  h->trial.free_slot();
  if (was_full) mark_stale(h->rank);
}

}  // namespace understudy::resilience
