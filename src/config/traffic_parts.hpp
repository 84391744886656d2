#pragma once
#include <understudy/config/kinds/traffic_parts.hpp>

#include "config/object_reader.hpp"

namespace understudy::config {

void read_fields(object_reader& in, load_balancer_spec& out);
void read_fields(object_reader& in, active_health_spec& out);

}  // namespace understudy::config
