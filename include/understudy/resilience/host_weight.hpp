#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include <understudy/base/clock.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

using base::time_point;

/// What one response said about its host's load (ORCA). `utilization` is the one number that the
/// configuration wants: the application's, else the largest of the named metrics, else the CPU's.
struct load_report {
  double qps = 0;
  double eps = 0;
  double utilization = 0;
};

/// A host's weight from its load reports (spec/resilience.md §3.5, BackendUtilization).
struct reported_weight {
  double weight = 1;  ///< in force
  double latest = 0;
  std::optional<time_point> reporting_since;  ///< absent: no report, or the last one expired
  time_point reported_at;

  /// Reports without load or utilization are ignored.
  void on_report(const load_report& report, const utilization_params& params, time_point now);
  /// The latest weight, past the blackout and not expired.
  std::optional<double> valid(const utilization_params& params, time_point now);
};

/// What the hosts without a valid report get: the median of the others, 1 where there is none.
/// Reorders `weights`.
double median_weight(std::span<double> weights);

/// Share of its weight that a host gets `age` after it came into service.
inline double slow_start_factor(base::duration age, base::duration window) {
  constexpr double smallest = 0.10;
  if (age >= window) return 1;
  return std::max(static_cast<double>(age.count()) / static_cast<double>(window.count()), smallest);
}

}  // namespace understudy::resilience
