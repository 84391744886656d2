#pragma once
#include <string_view>

#include <understudy/credentials/store.hpp>
#include <understudy/net/exchange_state.hpp>

namespace understudy::net {

/// Makes the upstream request of one attempt, always from the client's original: translation,
/// mutations, credentials, head (step 4 of ARCHITECTURE.md). Fills translator, upstream, auth and
/// upstream_head of `attempt`, whose backend is chosen already; or its refusal. False: refused.
bool prepare_request(const exchange_state& state, attempt_state& attempt,
                     const plan::target& target, const credentials::store& keys);

/// The body that goes upstream.
std::string_view upstream_body(const exchange_state& state, const attempt_state& attempt);

}  // namespace understudy::net
