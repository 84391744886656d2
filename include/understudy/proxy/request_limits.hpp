#pragma once
#include <optional>
#include <string_view>

#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/proxy/local_reply.hpp>
#include <understudy/resilience/attempt_planner.hpp>
#include <understudy/translate/request_features.hpp>

namespace understudy::proxy {

/// What the planner is told of a request: its deadline (the client's own where it is shorter),
/// whether it streams or reasons, and which backends would drop what it uses. Scans the body into
/// `features` where a policy wants to know; `guard` is asked only where schemas differ. A backend
/// that the operation has no pair with is left out whatever the policy says.
resilience::request_limits limits_of(const codec::request_head& head, bool is_stream,
                                     translate::operation op, std::string_view body,
                                     const plan::rule& rule,
                                     std::optional<translate::request_features>& features);

/// The reply where no backend of the rule speaks a dialect that the operation exists in: names
/// each. Nothing where one does.
std::optional<local_reply> unserved_reply(translate::operation op, std::string_view path,
                                          std::string_view route, const plan::rule& rule);

/// The reply where the guard leaves no backend: names each and what it can't carry.
local_reply incapable_reply(translate::operation op, std::string_view route, const plan::rule& rule,
                            const translate::request_features& features);

}  // namespace understudy::proxy
