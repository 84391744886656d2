#pragma once
#include <optional>
#include <vector>

#include <understudy/config/findings.hpp>
#include <understudy/simulate/report.hpp>

namespace understudy::simulate {

struct run_result {
  std::optional<report> story;  ///< absent: the scenario does not fit the configuration
  std::vector<config::finding> findings;
};

/// Plays the scenario against the plan in virtual time with the engine of `resilience`. Pure: the
/// same arguments give the same report everywhere. `configuration`: names for the report.
run_result run(const plan::plan& compiled, const config::scenario& scenario,
               std::vector<std::string> configuration);

}  // namespace understudy::simulate
