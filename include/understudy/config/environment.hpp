#pragma once
#include <functional>
#include <optional>
#include <string>

#include <understudy/config/load.hpp>

namespace understudy::config {

/// The configuration that `run` makes up when it is given none: one route for every model over
/// the providers that have a key in the environment, in the order of spec/interface.md. Keys stand
/// in it as `${NAME}` references, never as text. Nothing when no provider has a key.
std::optional<source_file> environment_configuration(
    const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace understudy::config
