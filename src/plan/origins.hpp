#pragma once
#include "plan/policies.hpp"

namespace understudy::plan {

/// Fills `out.written` from the policy in force (may be null) and the route's own timeouts.
void note_written(const rule_context& rule, const config::backend_traffic_policy* policy,
                  const config::located<milliseconds>& request,
                  const config::located<milliseconds>& backend_request, compiled_rule& out);
/// Adds the rule's own `streamIdleTimeout`.
void note_stream_idle(const rule_context& rule, const config::located<milliseconds>& idle,
                      compiled_rule& out);
/// Adds a ClientTrafficPolicy's to what acts on every client.
void note_written(const config::client_traffic_policy& policy, client_limits& out);
/// Adds a FailoverPolicy's; no field of it has the name of another policy's.
void note_written(const config::failover_policy& policy, compiled_rule& out);

}  // namespace understudy::plan
