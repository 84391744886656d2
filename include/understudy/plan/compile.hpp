#pragma once
#include <memory>
#include <string>
#include <vector>

#include <understudy/config/findings.hpp>
#include <understudy/config/load.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::plan {

struct compile_result {
  std::shared_ptr<const plan> compiled;  ///< null when there is an error among the findings
  std::vector<config::finding> findings;
};

/// Cross-checks the documents, makes the inferences of spec/interface.md and compiles. Every
/// finding is collected, not only the first. Pure: no file, socket or clock is touched.
compile_result compile(const config::documents& documents, std::int64_t created_unix_seconds);

}  // namespace understudy::plan
