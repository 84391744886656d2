#include <understudy/resilience/steering.hpp>

#include <algorithm>

namespace understudy::resilience {
namespace {

bool is_any(std::span<const std::uint32_t> values) {
  return std::ranges::any_of(values, [](std::uint32_t v) { return v > 0; });
}

}  // namespace

const load_share& steering::load(const load_table& table, std::span<const std::uint32_t> ranks) {
  const std::size_t made = ranks.size() - counted_from_;
  if (n_ == 0 || made < n_) return table.load;
  // Two attempts at once may step over the multiple itself.
  const std::size_t whole = made - made % n_;
  if (whole != made && whole == computed_for_) return load_;
  computed_for_ = whole;
  excluded_.resize(table.health.size(), 0);
  for (const std::uint32_t rank : ranks.subspan(counted_from_, whole)) excluded_[rank] = 1;
  health_ = table.health;
  degraded_ = table.degraded_health;
  for (std::size_t p = 0; p < excluded_.size(); ++p)
    if (excluded_[p]) health_[p] = degraded_[p] = 0;
  if (!is_any(health_) && !is_any(degraded_)) {
    // Start over: every priority again, unless everything is down.
    std::ranges::fill(excluded_, char{0});
    counted_from_ += whole;
    computed_for_ = 0;
    health_ = table.health;
    degraded_ = table.degraded_health;
    if (!is_any(health_) && !is_any(degraded_)) return table.load;
  }
  distribute(health_, degraded_, load_);
  return load_;
}

}  // namespace understudy::resilience
