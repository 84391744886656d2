#pragma once
#include <understudy/telemetry/exposition.hpp>

namespace understudy::telemetry {

/// The conventional `process_*` families, read from /proc. What cannot be read is left out.
void expose_process(exposition& out, base::wall_time started);

/// Of this machine; empty when it has none.
const std::string& host_name();

}  // namespace understudy::telemetry
