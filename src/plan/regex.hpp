#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/plan/plan.hpp>

namespace understudy::plan {

/// Compiles an RE2 pattern; nothing, and why, when it is none.
std::optional<regex> compile_regex(std::string_view pattern, std::string& problem);

}  // namespace understudy::plan
