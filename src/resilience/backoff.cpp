#include <understudy/resilience/backoff.hpp>

#include <algorithm>

namespace understudy::resilience {

backoff::backoff(const backoff_params& params)
    : next_{std::max(params.base, milliseconds{1})}, max_{std::max(params.max, next_)} {}

milliseconds backoff::wait(base::random_source& random) {
  const auto bound = static_cast<std::uint64_t>(next_.count());
  next_ = next_ < max_ / 2 ? next_ * 2 : max_;
  return milliseconds{static_cast<milliseconds::rep>(random.below(bound))};
}

}  // namespace understudy::resilience
