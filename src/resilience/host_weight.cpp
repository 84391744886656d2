#include <understudy/resilience/host_weight.hpp>

#include <cmath>

namespace understudy::resilience {

void reported_weight::on_report(const load_report& report, const utilization_params& params,
                                time_point now) {
  double utilization = report.utilization;
  if (!(utilization > 0) || !(report.qps > 0) || !std::isfinite(report.qps)) return;
  if (report.eps > 0) utilization += report.eps / report.qps * params.error_penalty;
  const double made = report.qps / utilization;
  if (!std::isfinite(made) || !(made > 0)) return;
  latest = made;
  if (!reporting_since) reporting_since = now;
  reported_at = now;
}

std::optional<double> reported_weight::valid(const utilization_params& params, time_point now) {
  if (!reporting_since || now - *reporting_since < params.blackout) return std::nullopt;
  if (now - reported_at > params.expiration) {
    reporting_since.reset();
    return std::nullopt;
  }
  return latest;
}

double median_weight(std::span<double> weights) {
  if (weights.empty()) return 1;
  std::ranges::sort(weights);
  const std::size_t middle = weights.size() / 2;
  return weights.size() % 2 == 1 ? weights[middle] : (weights[middle - 1] + weights[middle]) / 2;
}

}  // namespace understudy::resilience
