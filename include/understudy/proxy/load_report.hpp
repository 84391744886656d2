#pragma once
#include <optional>

#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/resilience/host_weight.hpp>

namespace understudy::proxy {

/// True for the fields that carry a load report.
bool is_load_report(std::string_view field_name);

/// The ORCA load report of a response: `endpoint-load-metrics` as `TEXT …`, `JSON …` or `BIN …`, or
/// `endpoint-load-metrics-bin` (base64 of xds.data.orca.v3.OrcaLoadReport). Nothing where there is
/// none or it can't be read.
std::optional<resilience::load_report> read_load_report(const codec::field_list& fields,
                                                        const plan::load_reports& settings);

}  // namespace understudy::proxy
