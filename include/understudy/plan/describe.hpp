#pragma once
#include <string>

#include <understudy/plan/plan.hpp>

namespace understudy::plan {

/// The plan as one JSON object, for `/config`: every value in force with the place it came from,
/// no secret (keys, certificates, values of mutated headers and body fields are left out).
std::string describe_json(const plan& p);

}  // namespace understudy::plan
