#pragma once
#include <optional>
#include <string>

#include <understudy/credentials/store.hpp>
#include <understudy/net/exchange_state.hpp>

namespace understudy::net {

/// Why the upstream request of an attempt could not be made.
struct attempt_refusal {
  bool is_credential_missing = false;  ///< the backend can't be used now; another may
  int status = 422;
  std::string code;
  std::string cause;
};

/// Makes the upstream request of one attempt, always from the client's original: translation,
/// mutations, credentials, head (steps 4 of ARCHITECTURE.md). Fills translator, upstream, auth and
/// upstream_head of `state`; `state.backend` is chosen already.
std::optional<attempt_refusal> prepare_request(exchange_state& state, const plan::target& target,
                                               const credentials::store& keys);

template <class Endpoint>
std::optional<attempt_refusal> prepare_attempt(exchange_state& state, const Endpoint& endpoint,
                                               const credentials::store& keys) {
  return prepare_request(state, state.backend->targets[endpoint.target()], keys);
}

}  // namespace understudy::net
