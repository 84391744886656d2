#pragma once
#include <cstdint>

#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

/// Limits on what runs at once in one cluster (spec/resilience.md §5.1, §1.9). Connections and
/// pending requests are counted where the connections are.
class breakers {
 public:
  explicit breakers(const breaker_params& params) : params_{params} {}

  /// A request is an attempt from its start to the end of its response.
  bool try_request();
  void end_request() { --requests_; }

  /// A retry holds its slot from the decision until the next decision or the accepted head.
  bool try_retry();
  void end_retry() { --retries_; }

  /// A hedge is in flight while both attempts of its request are; three always may be.
  bool try_hedge(std::uint32_t budget_percent);
  void end_hedge() { --hedges_; }

  std::uint32_t requests() const { return requests_; }
  std::uint32_t retries() const { return retries_; }
  std::uint32_t hedges() const { return hedges_; }
  /// Of the moment: a budget grows with the requests in flight.
  std::uint32_t max_retries() const;

 private:
  breaker_params params_;
  std::uint32_t requests_ = 0;
  std::uint32_t retries_ = 0;
  std::uint32_t hedges_ = 0;
};

}  // namespace understudy::resilience
