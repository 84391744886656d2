#include <algorithm>

#include "resilience/planner_impl.hpp"

namespace understudy::resilience {
namespace {

// One pick and five more that avoid hosts already tried (host_selection_retry_max_attempts).
constexpr std::uint32_t picks_of_retry = 6;

bool holds(std::uint64_t mask, std::uint32_t bit) {
  return bit < mask_bits && ((mask >> bit) & 1) != 0;
}

bool holds(std::span<const host_id> list, host_id id) {
  return std::ranges::find(list, id) != list.end();
}

}  // namespace

bool attempt_planner::impl::is_allowed(const host& h) const {
  return !holds(excluded, h.locality) && !holds(barred_ranks, h.rank);
}

bool attempt_planner::impl::has_tried(host_id id) const { return holds(tried_hosts.view(), id); }

bool attempt_planner::impl::has_left(host_id id) const { return holds(left_hosts.view(), id); }

bool attempt_planner::impl::has_tried_priority(std::uint32_t rank) const {
  return std::ranges::find(tried_ranks.view(), rank) != tried_ranks.view().end();
}

host* attempt_planner::impl::choose() {
  because = decision_reason::load;
  if (kept_host != no_host) {
    host* kept = owner.find(std::exchange(kept_host, no_host));
    if (kept != nullptr && kept->is_usable(owner.trial_limit()) && is_allowed(*kept)) {
      because = decision_reason::waited_as_asked;
      return kept;
    }
  }
  if (is_filtered()) return choose_allowed();
  if (attempts > 0) return choose_for_retry();
  if (host* session = owner.pick_session(limits.hint)) {
    because = decision_reason::session;
    return session;
  }
  const auto drawn = draw_share(owner.current_load().load, chance());
  if (drawn.rank == no_priority) return nullptr;
  return owner.pick_in(drawn.rank, random, limits.hint, 0, drawn.is_degraded);
}

host* attempt_planner::impl::choose_for_retry() {
  const load_table& table = owner.current_load();
  host* chosen = nullptr;
  for (std::uint32_t i = 0; i < picks_of_retry; ++i) {
    const auto drawn = draw_share(steer.load(table, tried_ranks.view()), chance());
    if (drawn.rank == no_priority) return nullptr;
    chosen = owner.pick_in(drawn.rank, random, limits.hint, i, drawn.is_degraded);
    if (chosen == nullptr) return nullptr;
    if (!has_tried(chosen->id)) return chosen;
  }
  if (!has_left(chosen->id)) return chosen;
  return owner.pick_other(left_hosts.view(), random);
}

// The load as it is without the priorities that have nobody for this request.
load_table attempt_planner::impl::allowed_load() {
  load_table table = owner.current_load();
  if (table.is_total_panic) return table;
  for (std::size_t rank = 0; rank < table.health.size(); ++rank)
    if (std::ranges::none_of(owner.balancers[rank].candidates(false),
                             [&](const host* h) { return is_allowed(*h); }))
      table.health[rank] = table.degraded_health[rank] = 0;
  distribute(table.health, table.degraded_health, table.load);
  return table;
}

// Some backends are not for this request. Where none of the others is in service they are in panic.
host* attempt_planner::impl::choose_allowed() {
  if (host* session = attempts == 0 ? owner.pick_session(limits.hint) : nullptr)
    if (is_allowed(*session)) {
      because = decision_reason::session;
      return session;
    }
  const load_table table = allowed_load();
  const load_share& share = attempts > 0 ? steer.load(table, tried_ranks.view()) : table.load;
  const std::size_t named = choose_priority(share, chance());
  const std::size_t first = named == no_priority ? 0 : named;
  const std::size_t ranks = owner.balancers.size();
  for (std::size_t i = 0; i < ranks; ++i)
    for (const bool with_tried : {false, true})
      if (host* h = pick_allowed((first + i) % ranks, with_tried)) return h;
  if (owner.params.panic_threshold == 0) return nullptr;
  const std::size_t count = owner.hosts.size();
  const std::size_t start = count == 0 ? 0 : random.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    host* h = owner.hosts[(start + i) % count].get();
    if (is_allowed(*h) && !has_left(h->id)) return h;
  }
  return nullptr;
}

host* attempt_planner::impl::pick_allowed(std::size_t rank, bool with_tried) {
  const auto is_wanted = [&](const host& h) {
    return is_allowed(h) && !has_left(h.id) && (with_tried || !has_tried(h.id));
  };
  for (std::uint32_t i = 0; i < picks_of_retry; ++i) {
    host* h = owner.pick_in(rank, random, limits.hint, i);
    if (h == nullptr) return nullptr;
    if (is_wanted(*h)) return h;
  }
  for (host* h : owner.balancers[rank].candidates(owner.load.is_panic[rank] != 0))
    if (is_wanted(*h)) return h;
  return nullptr;
}

host* attempt_planner::impl::next_endpoint(const attempt& a, std::size_t first,
                                           bool is_panic_allowed) {
  owner.current_load();
  const std::size_t ranks = owner.balancers.size();
  const auto is_wanted = [&](const host& h, bool with_tried) {
    return h.id != a.target.host && is_allowed(h) && !has_left(h.id) &&
           (with_tried || !has_tried(h.id)) &&
           (is_panic_allowed || h.is_usable(owner.trial_limit()));
  };
  for (const bool with_tried : {false, true}) {
    for (std::size_t i = 0; i < ranks; ++i) {
      const std::size_t rank = (first + i) % ranks;
      host* h = owner.pick_in(rank, random, limits.hint, 0);
      if (h == nullptr) continue;
      if (is_wanted(*h, with_tried)) return h;
      for (host* other : owner.balancers[rank].candidates(owner.load.is_panic[rank] != 0))
        if (is_wanted(*other, with_tried)) return other;
    }
  }
  return nullptr;
}

bool attempt_planner::impl::has_other_usable(const attempt& a) const {
  return std::ranges::any_of(owner.hosts, [&](const auto& h) {
    return h->id != a.target.host && h->is_usable(owner.trial_limit()) && is_allowed(*h) &&
           !has_left(h->id);
  });
}

bool attempt_planner::impl::is_only_silence_left() {
  if (left_hosts.empty()) return false;
  owner.current_load();
  for (std::size_t rank = 0; rank < owner.balancers.size(); ++rank)
    for (const host* h : owner.balancers[rank].candidates(owner.load.is_panic[rank] != 0))
      if (is_allowed(*h) && !has_left(h->id)) return false;
  return true;
}

stop_reason attempt_planner::impl::why_nothing() const {
  const bool is_any_allowed =
      std::ranges::any_of(owner.hosts, [&](const auto& h) { return is_allowed(*h); });
  return owner.hosts.empty() || is_any_allowed ? stop_reason::no_healthy_host
                                               : stop_reason::no_capable_backend;
}

}  // namespace understudy::resilience
