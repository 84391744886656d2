#pragma once
#include <string>
#include <vector>

#include "sim/scenario.hpp"

namespace sim {

struct backend_plan {
  std::string name;
  std::uint32_t priority = 0;
  bool is_bedrock = false;
  std::vector<std::string> addresses;  ///< without port
};

/// Draws the policy objects, writes the configuration, and notes in `s` what they promise.
void choose_policy(scenario& s, const std::vector<backend_plan>& backends, dice& d);

}  // namespace sim
