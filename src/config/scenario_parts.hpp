#pragma once
#include <functional>
#include <string_view>

#include <understudy/config/scenario.hpp>

#include "config/object_reader.hpp"

/// The parts of a scenario that need more than the fields of a mapping.
namespace understudy::config {

/// A mapping whose keys are names, each with a mapping of fields.
void each_named(object_reader& in, std::string_view key,
                const std::function<void(std::string_view name, const position& at,
                                         object_reader& fields)>& read);

bool read_decimal(object_reader& in, std::string_view key, located<double>& out, double min,
                  double max);
/// `300ms`, `{p50: …, p99: …}` or `{min: …, max: …}`.
bool read_latency(object_reader& in, std::string_view key, latency_spec& out);

void read_fault(object_reader& in, scenario_fault& out);
void read_expectations(object_reader& in, std::vector<scenario_expectation>& out);

}  // namespace understudy::config
