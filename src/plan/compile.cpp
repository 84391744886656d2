#include <understudy/plan/compile.hpp>

#include <algorithm>

#include <understudy/base/wipe.hpp>

#include "plan/policies.hpp"
#include "plan/routes.hpp"
#include "plan/state.hpp"

namespace understudy::plan {

compile_result compile(const config::documents& documents, std::int64_t created_unix_seconds) {
  compile_result result;
  auto made = base::make_wiped<plan>();
  notes say{result.findings};
  compile_state state{documents, *made, say, created_unix_seconds};

  for (const auto& route : documents.ai_routes) made->routes.push_back(compile_route(state, route));
  for (const auto& route : documents.http_routes)
    made->routes.push_back(compile_route(state, route));
  if (made->routes.empty() && !documents.has_errors)
    result.findings.push_back({config::severity::error,
                               documents.files.empty() ? "" : documents.files.front(),
                               0,
                               0,
                               {},
                               {},
                               "no AIGatewayRoute and no HTTPRoute: nothing to serve; write one"});
  // One cost anywhere, and every streamed chat has to tell its usage (spec/gateway-config.md §2.4).
  const auto has_costs = [](const rule& r) { return !r.costs.empty(); };
  const auto counts = [&](const route& r) { return std::ranges::any_of(r.rules, has_costs); };
  if (std::ranges::any_of(made->routes, counts))
    for (auto& route : made->routes)
      for (auto& rule : route.rules) rule.counts_tokens = rule.is_ai;
  compile_listeners(state);
  list_models(state);
  apply_client_policy(state);
  compile_access_logs(state);
  check_policy_targets(state);
  if (!documents.has_errors && !config::has_error(result.findings))
    result.compiled = std::move(made);
  return result;
}

}  // namespace understudy::plan
