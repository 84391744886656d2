#include <algorithm>
#include <map>

#include "plan/policies.hpp"

namespace understudy::plan {
namespace {

using config::object_header;
using config::target_ref;

/// Names of a kind in a namespace; Gateways that routes name count, files or not.
std::vector<std::string_view> names_of(const config::documents& in, std::string_view kind,
                                       std::string_view space) {
  if (kind == "AIGatewayRoute") return names_in(space, in.ai_routes);
  if (kind == "HTTPRoute") return names_in(space, in.http_routes, in.ai_routes);
  if (kind == "Backend") return names_in(space, in.backends);
  if (kind == "AIServiceBackend") return names_in(space, in.ai_backends, in.backends);
  auto out = names_in(space, in.gateways);
  const auto add_parents = [&](const auto& routes) {
    for (const auto& route : routes)
      for (const auto& parent : route.parents)
        if ((parent.name_space.is_written ? parent.name_space.value : route.header.name_space) ==
            space)
          out.push_back(parent.name.value);
  };
  if (in.gateways.empty()) {
    add_parents(in.ai_routes);
    add_parents(in.http_routes);
  }
  return out;
}

bool has_section(const config::documents& in, const target_ref& target, std::string_view space) {
  const auto is_named = [&](const auto* object, const auto& list) {
    return object == nullptr || std::ranges::any_of(list, [&](const auto& part) {
             return part.name.value == target.section.value;
           });
  };
  const auto& name = target.name.value;
  if (target.kind.value == "Gateway") {
    const auto* gateway = find_object(in.gateways, space, name);
    return gateway == nullptr || is_named(gateway, gateway->listeners);
  }
  if (target.kind.value != "HTTPRoute" && target.kind.value != "AIGatewayRoute") return true;
  if (const auto* route = find_object(in.ai_routes, space, name))
    return is_named(route, route->rules);
  if (const auto* route = find_object(in.http_routes, space, name))
    return is_named(route, route->rules);
  return true;
}

void check_targets(compile_state& state, const object_header& header,
                   const std::vector<target_ref>& targets) {
  if (header.is_broken || state.in.is_incomplete) return;
  for (const auto& target : targets) {
    if (target.kind.value == "Service" || target.kind.value == "InferencePool") continue;
    const auto names = names_of(state.in, target.kind.value, header.name_space);
    const auto& field = target.field;
    if (std::ranges::find(names, target.name.value) == names.end())
      state.say.warning(target.name.at, header, field + ".name",
                        "no " + target.kind.value + " `" + header.name_space + "/" +
                            target.name.value + "`: the policy does nothing; " +
                            remedy(target.name.value, names, "name one that exists"));
    else if (target.section.is_written && !has_section(state.in, target, header.name_space))
      state.say.warning(target.section.at, header, field + ".sectionName",
                        "`" + target.name.value + "` has no part named `" + target.section.value +
                            "`: the policy does nothing there; name one that exists");
  }
}

/// Two policies of a kind for one target: the first acts.
template <class Policy>
void check_conflicts(compile_state& state, const std::vector<Policy>& policies) {
  std::map<std::string, const object_header*> taken;
  for (const auto& policy : policies)
    for (const auto& target : policy.targets) {
      const auto key = policy.header.name_space + "/" + target.kind.value + "/" +
                       target.name.value + "/" + target.section.value;
      const auto [known, is_new] = taken.try_emplace(key, &policy.header);
      if (!is_new && known->second != &policy.header)
        state.say.warning(
            target.at, policy.header, target.field,
            "`" + known->second->name + "` has the same target and wins; remove one of the two");
    }
}

}  // namespace

void check_policy_targets(compile_state& state) {
  const auto check_all = [&](const auto& policies) {
    for (const auto& policy : policies) check_targets(state, policy.header, policy.targets);
  };
  check_all(state.in.traffic_policies);
  check_all(state.in.client_policies);
  check_all(state.in.failover_policies);
  check_all(state.in.security_policies);
  check_all(state.in.tls_policies);
  check_conflicts(state, state.in.traffic_policies);
  check_conflicts(state, state.in.failover_policies);
}

}  // namespace understudy::plan
