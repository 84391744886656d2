#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <understudy/base/clock.hpp>

namespace understudy::resilience {

/// The last 128 of some durations and their quantiles. Pure; a quantile is computed once for each
/// new value, from a copy of at most 128.
class recent_times {
 public:
  void add(base::duration time);
  /// The `percent`-th percentile (nearest rank, 1–99); absent below 20 values.
  std::optional<base::duration> quantile(std::uint32_t percent);

 private:
  static constexpr std::size_t capacity = 128;
  static constexpr std::size_t least = 20;
  std::array<base::duration, capacity> times_{};
  std::size_t added_ = 0;
  std::size_t known_for_ = 0;  // values there were when `known_` was computed
  std::uint32_t known_percent_ = 0;
  base::duration known_{};
};

}  // namespace understudy::resilience
