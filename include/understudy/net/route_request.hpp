#pragma once
#include <optional>

#include <understudy/net/exchange_state.hpp>

namespace understudy::net {

/// From a complete request to its rule: model out of the body, match, local answers (models, 404,
/// malformed bodies). Sets summary, route and rule of `state`; a reply ends the exchange.
std::optional<proxy::local_reply> route_request(exchange_state& state,
                                                const plan::listener& listener);

}  // namespace understudy::net
