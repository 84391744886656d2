#pragma once
#include <understudy/resilience/attempt_planner.hpp>

#include "simulate/world.hpp"

namespace understudy::simulate {

/// The end of an attempt before the commit: a head with its first content, or what comes instead.
struct foreseen {
  time_point at = time_point::max();  ///< max(): never
  resilience::outcome result;
};

/// What the shell would report of an attempt that begins now: the behaviour it meets, under the
/// limits of the rule and of the decision.
foreseen foresee(const plan::rule& rule, const behaviour& meets, const resilience::decision& chosen,
                 time_point deadline, time_point now);

}  // namespace understudy::simulate
