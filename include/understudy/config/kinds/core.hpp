#pragma once
#include <understudy/config/kinds/common.hpp>

namespace understudy::config {

/// v1 Secret: `data` decoded, `stringData` and the substitution annotations over it.
struct secret {
  object_header header;
  std::map<std::string, std::string> values;
};

/// v1 ConfigMap.
struct config_map {
  object_header header;
  std::map<std::string, std::string> values;
};

struct grant_peer {
  located<std::string> group, kind, name, name_space;
};

/// ReferenceGrant of gateway.networking.k8s.io.
struct reference_grant {
  object_header header;
  std::vector<grant_peer> from, to;
};

}  // namespace understudy::config
