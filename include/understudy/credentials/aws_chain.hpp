#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <understudy/credentials/aws_keys.hpp>
#include <understudy/credentials/host_access.hpp>
#include <understudy/credentials/http_call.hpp>
#include <understudy/credentials/sts.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::credentials {

enum class aws_source : std::uint8_t {
  secret,
  environment,
  shared_files,
  container,
  instance,
  web_identity,
  assumed_role,
};
std::string_view name(aws_source s);  ///< in words, for logs

struct found_keys {
  aws_source source = aws_source::secret;
  aws_keys keys;
};
struct container_lookup {
  http_call call;
};
struct instance_lookup {
  http_call endpoint;  ///< host and port of the metadata service; see imds.hpp
};
struct no_keys {
  std::string reason;  ///< every place that was looked at and why it had none; no secrets
};

struct web_identity_lookup {
  sts_role role;
  std::string token;  ///< read anew for each look-up: it is short-lived
};
/// Keys that may assume a role, or are what is wanted.
using key_source = std::variant<found_keys, container_lookup, instance_lookup, web_identity_lookup>;
struct assume_role_lookup {
  key_source source;
  std::vector<sts_role> roles;  ///< each with the keys of the one before; not empty
};

/// Where the keys are, or who must be asked for them.
using chain_result = std::variant<found_keys, container_lookup, instance_lookup,
                                  web_identity_lookup, assume_role_lookup, no_keys>;

/// A Secret's text and profile when there is one, else the standard chain of the AWS SDKs:
/// environment, web identity, shared files (with roles), container endpoint, instance metadata
/// (spec/gateway-config.md §3).
/// A place that is configured but broken ends the search, so that a mistake is not answered with
/// somebody else's keys.
chain_result resolve(const plan::aws_credential& wanted, const host_access& host);

/// The role of `oidcExchangeToken` and the STS that is asked for it.
base::result<sts_role, failure> exchange_role(const plan::aws_credential& wanted,
                                              const host_access& host);

/// Whether plain HTTP may carry the container's token to this host: loopback and the addresses of
/// the ECS and EKS agents only, as in the SDKs.
bool is_allowed_container_host(std::string_view host);

}  // namespace understudy::credentials
