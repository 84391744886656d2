#pragma once
#include <array>
#include <cstdint>

#include <understudy/base/clock.hpp>

namespace understudy::telemetry {

/// Durations in fixed buckets, from 5 ms (a local model's cached answer) to 10 min (the default
/// request timeout). Plain numbers: the owner sees to threads.
class histogram {
 public:
  static constexpr std::array<std::int64_t, 18> bounds_ms = {
      1,     5,     10,     25,     50,     100,    250,     500,     1'000,
      2'500, 5'000, 10'000, 20'000, 40'000, 80'000, 160'000, 320'000, 600'000};

  void observe(base::duration value);
  void merge(const histogram& other);

  std::uint64_t count() const;
  std::uint64_t sum_nanoseconds() const { return sum_; }
  /// Observations of bucket `i` alone; `i == bounds_ms.size()` is everything above.
  std::uint64_t bucket(std::size_t i) const { return counts_[i]; }
  /// Estimate in milliseconds by interpolation inside the bucket; 0 with no observation.
  double quantile(double q) const;

 private:
  std::array<std::uint64_t, bounds_ms.size() + 1> counts_{};
  std::uint64_t sum_ = 0;  ///< nanoseconds
};

}  // namespace understudy::telemetry
