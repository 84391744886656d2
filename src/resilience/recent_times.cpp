#include <understudy/resilience/recent_times.hpp>

#include <algorithm>

namespace understudy::resilience {

void recent_times::add(base::duration time) { times_[added_++ % capacity] = time; }

std::optional<base::duration> recent_times::quantile(std::uint32_t percent) {
  const std::size_t count = std::min(added_, capacity);
  if (count < least) return std::nullopt;
  if (known_for_ == added_ && known_percent_ == percent) return known_;
  auto sorted = times_;
  const std::size_t rank = (count * percent + 99) / 100;  // from 1
  const auto place = static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, count) - 1);
  std::nth_element(sorted.begin(), sorted.begin() + place,
                   sorted.begin() + static_cast<std::ptrdiff_t>(count));
  known_ = sorted[static_cast<std::size_t>(place)];
  known_for_ = added_;
  known_percent_ = percent;
  return known_;
}

}  // namespace understudy::resilience
