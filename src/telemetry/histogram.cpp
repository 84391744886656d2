#include <understudy/telemetry/histogram.hpp>

namespace understudy::telemetry {

void histogram::observe(base::duration value) {
  const std::int64_t ns = value.count() < 0 ? 0 : value.count();
  std::size_t i = 0;
  while (i < bounds_ms.size() && ns > bounds_ms[i] * 1'000'000) ++i;
  ++counts_[i];
  sum_ += static_cast<std::uint64_t>(ns);
}

void histogram::merge(const histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  sum_ += other.sum_;
}

std::uint64_t histogram::count() const {
  std::uint64_t n = 0;
  for (const auto c : counts_) n += c;
  return n;
}

double histogram::quantile(double q) const {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  const double rank = q * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < bounds_ms.size(); ++i) {
    const auto here = static_cast<double>(counts_[i]);
    if (below + here >= rank && here > 0) {
      const double low = i == 0 ? 0 : static_cast<double>(bounds_ms[i - 1]);
      const double high = static_cast<double>(bounds_ms[i]);
      return low + (high - low) * (rank - below) / here;
    }
    below += here;
  }
  return static_cast<double>(bounds_ms.back());
}

}  // namespace understudy::telemetry
