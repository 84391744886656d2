#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "plan/state.hpp"

namespace understudy::plan {

// Short names hide these two inside functions that have a rule at hand.
using compiled_rule = rule;
using rule_timeouts = timeouts;

/// A route rule as the policies see it.
struct rule_context {
  const config::object_header& route;
  const std::vector<config::target_ref>& parents;
  std::string rule_name;
  std::string rule_field;  ///< `spec.rules[0]`
  config::position at;
  std::vector<std::string> hostnames = {};  ///< of the route
  bool is_ai = true;
};

/// Host patterns as written, without their places.
inline std::vector<std::string> names_of(const std::vector<config::located<std::string>>& from) {
  std::vector<std::string> out;
  for (const auto& name : from) out.push_back(name.value);
  return out;
}

/// `child`'s fields over those of `parent`, as `mergeType` says: what the child writes wins, and in
/// a block that it writes the CRD's defaults count as written.
config::backend_traffic_policy merged(const config::backend_traffic_policy& parent,
                                      const config::backend_traffic_policy& child);

/// The policy in force for a rule: rule > route > listener > gateway, as a whole unless it says
/// `mergeType`, or null. A merged one lives as long as `state`.
const config::backend_traffic_policy* policy_for(compile_state& state, const rule_context& rule);

/// Fills retry, ejection and breakers as far as the policy writes them.
void apply_policy(compile_state& state, const config::backend_traffic_policy* policy,
                  resilience::cluster_params& out);

/// Fills balancing and active checks, of the cluster and of what requests and probes need.
void apply_balancing(const config::backend_traffic_policy& policy, compiled_rule& out);
void apply_connections(const config::backend_traffic_policy& policy, compiled_rule& out);
void apply_checks(const config::backend_traffic_policy& policy,
                  const std::vector<std::string>& hostnames, compiled_rule& out);

/// Timeouts of the rule after the route's own (`request`, `backend_request` as written).
void apply_timeouts(compile_state& state, const rule_context& rule,
                    const config::backend_traffic_policy* policy,
                    const config::located<milliseconds>& request,
                    const config::located<milliseconds>& backend_request, rule_timeouts& out,
                    resilience::retry_params& retry);

/// Warnings about policies that don't do what their author probably wants.
void lint_policy(compile_state& state, const rule_context& rule,
                 const config::backend_traffic_policy* policy, const compiled_rule& compiled);

/// Targets that do not exist, and two policies for one target.
void check_policy_targets(compile_state& state);

/// Client side limits from the first ClientTrafficPolicy.
void apply_client_policy(compile_state& state);

}  // namespace understudy::plan
