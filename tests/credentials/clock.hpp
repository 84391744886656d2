#pragma once
#include <understudy/base/clock.hpp>

namespace understudy::credentials::tests {

/// 2026-01-02T03:04:05Z
inline constexpr base::wall_time start{std::chrono::seconds{1'767'323'045}};

}  // namespace understudy::credentials::tests
