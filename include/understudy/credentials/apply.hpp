#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/base/result.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/credentials/secret.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::credentials {

/// What of the final request is signed. Everything as it will be sent.
struct signed_parts {
  std::string_view method;
  std::string_view target;   ///< path with query
  std::string_view payload;  ///< after all mutations
};

/// The name that AWS signing (and so the Host field) uses: the endpoint's own host name; for an
/// address without one, `bedrock-runtime.REGION.amazonaws.com`.
std::string signing_host(const plan::target& target, const plan::aws_credential& credential);
/// The region in that name, else the policy's.
std::string signing_region(std::string_view host, const plan::aws_credential& credential);

/// Why a backend cannot be asked with the credentials that there are; no secrets.
struct refusal {
  int status = 503;
  std::string code = "no_credentials";
  std::string message;
  bool is_final = false;  ///< the client's own mistake: no other backend is asked
};

/// The credential that the request brings along for this backend (`credentialOverride`); nothing
/// where it brings none and the policy's own counts. Half a pair of AWS keys is never made up for.
base::result<std::optional<secret>, refusal> from_request(const plan::backend& backend,
                                                          const codec::field_list& fields);

/// Appends the fields that authenticate one attempt; they replace any the client sent. `held` is
/// what the store or the request has; null is an error where the credential is looked up. For AWS,
/// `host` must be sent as the Host field and is signing_host() of the target.
base::result<void, refusal> apply(const plan::backend& backend, const signed_parts& request,
                                  std::string_view host, const secret* held, base::wall_time now,
                                  std::vector<codec::owned_field>& set);

}  // namespace understudy::credentials
