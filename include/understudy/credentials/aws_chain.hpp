#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <understudy/credentials/aws_keys.hpp>
#include <understudy/credentials/http_call.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::credentials {

/// What the chain may look at; real in the daemon, tables in tests.
struct host_access {
  std::function<std::optional<std::string>(const std::string&)> environment;
  std::function<std::optional<std::string>(const std::string&)> read_file;
};
/// The process's own environment and files (at most 1 MiB each).
host_access real_host();

enum class aws_source : std::uint8_t { secret, environment, shared_files, container, instance };
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

/// Where the keys are, or who must be asked for them.
using chain_result = std::variant<found_keys, container_lookup, instance_lookup, no_keys>;

/// A Secret's text and profile when there is one, else the standard chain of the AWS SDKs:
/// environment, shared files, container endpoint, instance metadata (spec/gateway-config.md §3).
/// A place that is configured but broken ends the search, so that a mistake is not answered with
/// somebody else's keys.
chain_result resolve(const plan::aws_credential& wanted, const host_access& host);

/// Whether plain HTTP may carry the container's token to this host: loopback and the addresses of
/// the ECS and EKS agents only, as in the SDKs.
bool is_allowed_container_host(std::string_view host);

}  // namespace understudy::credentials
