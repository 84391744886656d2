#pragma once
#include "simulate/player.hpp"

namespace understudy::simulate {

/// A cause in words, with the field that decides it, and the change that may help.
struct explanation {
  client_cause told;
  what_if change;  ///< empty function: nothing to try
};

explanation explain(const world& outside, const cause_key& cause, const cause_stats& stats,
                    const std::vector<backend_story>& backends);

/// Longest wait for a head that the rule's policy allows; nothing: no limit.
std::optional<microseconds> limit_of(const plan::rule& rule);

}  // namespace understudy::simulate
