#pragma once
#include <understudy/config/kinds/common.hpp>
#include <understudy/config/kinds/observability.hpp>

namespace understudy::config {

struct ai_backend_ref {
  located<std::string> name;
  located<std::string> name_space;
  located<std::uint32_t> weight{1};
  located<std::uint32_t> priority{0};
  located<std::string> model_name_override;
  std::optional<header_mutation_spec> headers;
  std::optional<body_mutation_spec> body;
  position at;
};

struct ai_route_match {
  std::vector<header_match_spec> headers;
};

struct route_timeouts {
  located<milliseconds> request, backend_request;
};

struct ai_route_rule {
  located<std::string> name;
  std::vector<ai_route_match> matches;
  std::vector<ai_backend_ref> backends;
  std::optional<route_timeouts> timeouts;
  located<milliseconds> stream_idle_timeout;
  located<std::string> models_owned_by{"Envoy AI Gateway"};
  located<std::int64_t> models_created_at;  ///< unix seconds
  position at;
};

/// AIGatewayRoute of aigateway.envoyproxy.io: v1beta1, and v1alpha1 with its older `schema` and
/// `targetRefs`. CRD: api/v1beta1/ai_gateway_route.go of envoyproxy/ai-gateway.
struct ai_gateway_route {
  object_header header;
  std::vector<target_ref> parents;  ///< parentRefs and targetRefs alike
  std::vector<located<std::string>> hostnames;
  located<std::string> schema{"OpenAI"};
  std::vector<ai_route_rule> rules;
  std::vector<request_cost> costs;
};

}  // namespace understudy::config
