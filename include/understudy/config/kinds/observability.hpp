#pragma once
#include <map>

#include <understudy/config/kinds/common.hpp>

namespace understudy::config {

/// One of `llmRequestCosts`.
struct request_cost {
  located<std::string> key, type, cel;
  position at;
};

/// GatewayConfig of aigateway.envoyproxy.io: what of it acts on a host. A Gateway names its own by
/// the annotation `aigateway.envoyproxy.io/gateway-config`.
struct gateway_config {
  object_header header;
  std::vector<request_cost> costs;
};

/// One of `spec.telemetry.accessLog.settings`.
struct access_log_setting {
  bool has_format = false;
  located<std::string> type;
  located<std::string> text;                         ///< Text
  std::map<std::string, located<std::string>> json;  ///< JSON
  std::vector<located<std::string>> files;
  position at;
};

/// EnvoyProxy of gateway.envoyproxy.io: its access logs.
struct envoy_proxy {
  object_header header;
  bool has_access_log = false;
  located<bool> is_disabled;
  std::vector<access_log_setting> access_logs;
};

}  // namespace understudy::config
