#pragma once
#include "plan/policies.hpp"
#include "plan/state.hpp"

namespace understudy::plan {

route compile_route(compile_state& state, const config::ai_gateway_route& written);
route compile_route(compile_state& state, const config::http_route& written);

/// What a rule of either kind gets once its backends are there: cluster, policy, warnings.
void finish_rule(compile_state& state, const rule_context& context,
                 const config::located<milliseconds>& request,
                 const config::located<milliseconds>& backend_request, bool is_broken, rule& out);

header_match compile_header(compile_state& state, const config::object_header& route,
                            const std::string& field, const config::header_match_spec& written);

/// `llmRequestCosts` of a route and of its Gateways' GatewayConfigs; the route's own win.
std::vector<cost> compile_costs(compile_state& state, const config::ai_gateway_route& route);
/// EnvoyProxy's `telemetry.accessLog`.
void compile_access_logs(compile_state& state);

/// Listeners of the Gateways, or the implied one, with the routes that attach to each.
void compile_listeners(compile_state& state);
/// GET /v1/models.
void list_models(compile_state& state);

}  // namespace understudy::plan
