#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

namespace understudy::demo {

/// What the simulated primary does with a request.
enum class behaviour : std::uint8_t {
  healthy,
  server_error,  ///< answers 500
  refusing,      ///< its listening socket is closed, connections are refused
  hanging,       ///< accepts and reads, never answers
  rate_limited,  ///< answers 429 with Retry-After
};

struct phase {
  behaviour what = behaviour::healthy;
  std::chrono::milliseconds length{10'000};
};

/// For a person: `answers every request with 500`.
std::string_view description(behaviour what);

/// Healthy between two kinds of failure, ten seconds each; played in a loop.
std::vector<phase> default_schedule();

}  // namespace understudy::demo
