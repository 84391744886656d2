#pragma once
#include <deque>
#include <string>
#include <vector>

#include <understudy/config/kinds/ai_gateway_route.hpp>
#include <understudy/config/kinds/backends.hpp>
#include <understudy/config/kinds/core.hpp>
#include <understudy/config/kinds/gateway.hpp>
#include <understudy/config/kinds/observability.hpp>
#include <understudy/config/kinds/policies.hpp>

namespace understudy::config {

/// All objects of all files in the order read. Immutable once loaded; positions point into
/// `files`, so the documents must outlive them.
struct documents {
  std::deque<std::string> files;

  std::vector<ai_gateway_route> ai_routes;
  std::vector<ai_service_backend> ai_backends;
  std::vector<backend_security_policy> security_policies;
  std::vector<backend_object> backends;
  std::vector<backend_tls_policy> tls_policies;
  std::vector<backend_traffic_policy> traffic_policies;
  std::vector<client_traffic_policy> client_policies;
  std::vector<failover_policy> failover_policies;
  std::vector<gateway> gateways;
  std::vector<gateway_config> gateway_configs;
  std::vector<envoy_proxy> envoy_proxies;
  std::vector<http_route> http_routes;
  std::vector<secret> secrets;
  std::vector<config_map> config_maps;
  std::vector<reference_grant> grants;

  bool has_errors = false;     ///< something among the findings is an error: no plan
  bool is_incomplete = false;  ///< a document could not be read at all: its references dangle
};

}  // namespace understudy::config
