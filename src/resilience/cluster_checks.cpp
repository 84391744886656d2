#include <algorithm>

#include "resilience/cluster_impl.hpp"

// Active checks of a cluster (spec/resilience.md §4): what is due, and what a result changes.
namespace understudy::resilience {

std::vector<due_check> cluster::impl::take_due_checks(time_point at, base::random_source& random) {
  std::vector<due_check> due;
  if (!params.active_check) return due;
  const auto jitter = static_cast<std::uint64_t>(
      std::max(params.active_check->initial_jitter, milliseconds{0}).count());
  for (const auto& h : hosts) {
    check_state& check = h->check;
    if (!check.is_scheduled) {
      const auto wait = jitter == 0 ? 0 : random.below(jitter);
      check.next_at = h->in_service_since + milliseconds{static_cast<std::int64_t>(wait)};
      check.is_scheduled = true;
    }
    if (check.is_running || check.next_at > at) continue;
    check.is_running = true;
    due.push_back({h->id, h->locality, h->address});
  }
  return due;
}

time_point cluster::impl::next_check() const {
  auto first = time_point::max();
  if (!params.active_check) return first;
  for (const auto& h : hosts) {
    if (!h->check.is_scheduled) return now;
    if (!h->check.is_running) first = std::min(first, h->check.next_at);
  }
  return first;
}

bool cluster::impl::is_checked() const {
  return std::ranges::none_of(hosts,
                              [](const auto& h) { return h->check.is_on && h->check.is_first; });
}

void cluster::impl::report_check(host_id id, check_result result, time_point at) {
  host* h = find(id);
  if (h == nullptr || !params.active_check) return;
  check_state& check = h->check;
  check.is_running = false;
  check.next_at =
      at + (has_traffic ? params.active_check->interval : params.active_check->no_traffic_interval);
  if (result == check_result::unmade) return;
  const bool was_out = check.is_out();
  const bool was_degraded = check.is_degraded;
  const check_change change = check.on_result(result, *params.active_check);
  is_warm = is_warm || is_checked();
  if (was_out != check.is_out() || was_degraded != check.is_degraded) mark_stale(h->rank);
  if (change == check_change::passed) {
    h->in_service_since = at;
    apply({health_change::kind::check_passed, h, "activeCheck"}, at);
  } else if (change == check_change::failed) {
    apply({health_change::kind::check_failed, h, "activeCheck"}, at);
  }
  const bool is_held = h->health.is_operators || h->health.is_timed;
  const bool is_pass = result == check_result::pass || result == check_result::degraded;
  if (is_pass && !check.is_failed && !is_held && detector.uneject(*h, at))
    apply({health_change::kind::returned, h, "activeCheck"}, at);
}

// Checks of an idle cluster are a minute apart; the first request brings the next one forward.
void cluster::impl::on_first_traffic() {
  has_traffic = true;
  if (!params.active_check) return;
  for (const auto& h : hosts)
    if (h->check.is_scheduled)
      h->check.next_at = std::min(h->check.next_at, now + params.active_check->interval);
}

}  // namespace understudy::resilience
