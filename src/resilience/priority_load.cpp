#include <understudy/resilience/priority_load.hpp>

#include <algorithm>
#include <numeric>

namespace understudy::resilience {
namespace {

constexpr std::uint64_t overprovisioning_percent = 140;

std::uint32_t health_percent(std::uint32_t able, std::uint32_t total) {
  if (total == 0) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(100, overprovisioning_percent * able / total));
}

std::uint32_t sum(std::span<const std::uint32_t> values) {
  return std::accumulate(values.begin(), values.end(), std::uint32_t{0});
}

bool is_below(const priority_counts& counts, std::uint32_t threshold) {
  if (counts.total == 0) return threshold > 0;
  return std::uint64_t{100} * (counts.healthy + counts.degraded) <
         std::uint64_t{threshold} * counts.total;
}

// Every priority is in panic: each gets requests by the number of its hosts, healthy or not.
void distribute_by_count(std::span<const priority_counts> counts, load_share& out) {
  std::uint64_t all = 0;
  for (const auto& c : counts) all += c.total;
  std::fill(out.healthy.begin(), out.healthy.end(), 0U);
  std::fill(out.degraded.begin(), out.degraded.end(), 0U);
  if (all == 0) return;
  std::uint32_t rest = 100;
  for (std::size_t p = 0; p < counts.size(); ++p) {
    out.healthy[p] = static_cast<std::uint32_t>(std::uint64_t{100} * counts[p].total / all);
    rest -= out.healthy[p];
  }
  const auto first = std::ranges::find_if(counts, [](const auto& c) { return c.total > 0; });
  out.healthy[static_cast<std::size_t>(first - counts.begin())] += rest;
}

}  // namespace

void distribute(std::span<const std::uint32_t> health,
                std::span<const std::uint32_t> degraded_health, load_share& out) {
  out.healthy.assign(health.size(), 0);
  out.degraded.assign(health.size(), 0);
  const std::uint32_t total = std::min(100U, sum(health) + sum(degraded_health));
  if (total == 0) return;
  std::uint32_t rest = 100;
  const auto give = [&](std::span<const std::uint32_t> from, std::vector<std::uint32_t>& to) {
    for (std::size_t p = 0; p < from.size(); ++p) {
      to[p] = std::min(rest, from[p] * 100 / total);
      rest -= to[p];
    }
  };
  give(health, out.healthy);
  give(degraded_health, out.degraded);
  const auto remainder = [&](std::span<const std::uint32_t> from, std::vector<std::uint32_t>& to) {
    const auto first = std::ranges::find_if(from, [](std::uint32_t h) { return h > 0; });
    if (first == from.end()) return;
    to[static_cast<std::size_t>(first - from.begin())] += rest;
    rest = 0;
  };
  remainder(health, out.healthy);
  remainder(degraded_health, out.degraded);
}

void compute_load(std::span<const priority_counts> counts, std::uint32_t panic_threshold,
                  load_table& out) {
  const std::size_t n = counts.size();
  out.health.resize(n);
  out.degraded_health.resize(n);
  out.is_panic.assign(n, 0);
  for (std::size_t p = 0; p < n; ++p) {
    out.health[p] = health_percent(counts[p].healthy, counts[p].total);
    out.degraded_health[p] = health_percent(counts[p].degraded, counts[p].total);
  }
  distribute(out.health, out.degraded_health, out.load);
  const std::uint32_t total = std::min(100U, sum(out.health) + sum(out.degraded_health));
  out.is_total_panic = false;
  if (n == 0 || total == 100) return;
  for (std::size_t p = 0; p < n; ++p) out.is_panic[p] = is_below(counts[p], panic_threshold);
  out.is_total_panic = std::ranges::all_of(out.is_panic, [](char c) { return c != 0; });
  if (out.is_total_panic)
    distribute_by_count(counts, out.load);
  else if (total == 0)
    out.load.healthy[0] = 100;  // panic is off: the pick finds nothing there
}

drawn_share draw_share(const load_share& load, std::uint64_t random) {
  const auto wanted = static_cast<std::uint32_t>(random % 100) + 1;
  std::uint32_t cumulative = 0;
  for (const auto* shares : {&load.healthy, &load.degraded}) {
    for (std::size_t p = 0; p < shares->size(); ++p) {
      cumulative += (*shares)[p];
      if (cumulative >= wanted) return {p, shares == &load.degraded};
    }
  }
  return {};
}

std::size_t choose_priority(const load_share& load, std::uint64_t random) {
  return draw_share(load, random).rank;
}

}  // namespace understudy::resilience
