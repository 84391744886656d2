#pragma once
#include <understudy/config/kinds/observability.hpp>

#include "config/object_reader.hpp"

namespace understudy::config {

/// A list of costs under `key`; of one `metadataKey` there may be one.
void read_costs(object_reader& in, std::string_view key, std::vector<request_cost>& out);

}  // namespace understudy::config
