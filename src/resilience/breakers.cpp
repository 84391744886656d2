#include <understudy/resilience/breakers.hpp>

#include <algorithm>

namespace understudy::resilience {

bool breakers::try_request() {
  if (requests_ >= params_.max_parallel_requests) return false;
  ++requests_;
  return true;
}

bool breakers::try_retry() {
  if (retries_ >= max_retries()) return false;
  ++retries_;
  return true;
}

bool breakers::try_hedge(std::uint32_t budget_percent) {
  constexpr std::uint64_t always_allowed = 3;
  const std::uint64_t share = std::uint64_t{requests_} * budget_percent / 100;
  if (hedges_ >= std::max(share, always_allowed)) return false;
  ++hedges_;
  return true;
}

std::uint32_t breakers::max_retries() const {
  if (!params_.retry_budget) return params_.max_parallel_retries;
  const auto& budget = *params_.retry_budget;
  const std::uint64_t share = std::uint64_t{requests_} * budget.percent / 100;
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(share, budget.min_retry_concurrency));
}

}  // namespace understudy::resilience
