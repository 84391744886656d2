#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sim {

struct result {
  std::vector<std::string> problems;  ///< empty: every invariant held
  std::vector<std::string> trace;     ///< where asked for
  std::string about;                  ///< the scenario in a line
  std::string yaml;
  std::map<std::string, std::size_t> outcomes;  ///< of attempts
  std::size_t exchanges = 0;
  std::size_t attempts = 0;
  std::size_t good_answers = 0;
};

/// One run: everything follows from the seed.
result run_seed(std::uint64_t seed, bool is_tracing);

}  // namespace sim
