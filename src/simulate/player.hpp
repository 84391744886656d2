#pragma once
#include <functional>

#include "simulate/recorder.hpp"

namespace understudy::simulate {

/// A change to the policy of one site, to see what it would do.
struct what_if {
  std::uint32_t site = 0;
  std::function<void(resilience::cluster_params&)> change;
};

/// Plays the whole scenario into `out`; gives the time of the last event. The only file that
/// drives the failover engine: what the shell does with sockets and timers is done here with
/// events in virtual time.
time_point play(const world& outside, recorder& out, const what_if* changed = nullptr);

}  // namespace understudy::simulate
