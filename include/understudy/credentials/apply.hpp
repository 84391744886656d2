#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/base/result.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/credentials/aws_keys.hpp>
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

/// Appends the fields that authenticate one attempt; they replace any the client sent. `keys` is
/// looked at for AWS only; null there is an error. For AWS, `host` must be sent as the Host field
/// and is signing_host() of the target. The error is a text without secrets.
base::result<void, std::string> apply(const plan::backend& backend, const signed_parts& request,
                                      std::string_view host, const aws_keys* keys,
                                      base::wall_time now, std::vector<codec::owned_field>& set);

}  // namespace understudy::credentials
