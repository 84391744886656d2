#pragma once
#include "plan/policies.hpp"

/// What FailoverPolicy decides, and its defaults where nobody writes one (spec/interface.md).
namespace understudy::plan {

/// How closely a target of a policy in `policy`'s namespace fits the rule: rule 3, route 2,
/// listener 1, Gateway 0; -1: not at all.
int closeness(const config::object_header& policy, const config::target_ref& target,
              const rule_context& rule);

/// The FailoverPolicy in force for a rule, by the same order as a BackendTrafficPolicy's, or null.
const config::failover_policy* failover_for(const compile_state& state, const rule_context& rule);

/// Fills what apply_policy() left open, and everything that BackendTrafficPolicy has no field for.
/// `traffic` as it was applied, or null. Says which defaults are in effect.
void apply_failover(compile_state& state, const rule_context& rule,
                    const config::backend_traffic_policy* traffic,
                    const config::failover_policy* policy, compiled_rule& out);

/// `stream.idleTimeout` where apply_timeouts() left the default in force.
void apply_stream_idle(const config::failover_policy* policy, rule_timeouts& out);

}  // namespace understudy::plan
