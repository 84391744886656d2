#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Where the credential of a backend comes from (spec/gateway-config.md §3). Values, compared to
/// find out which of them share a token; secrets inside are never printed.
namespace understudy::plan {

/// Static key put into a header: `authorization: Bearer …`, `api-key`, `x-api-key`.
struct header_credential {
  std::string header;
  std::string value;
  bool operator==(const header_credential&) const = default;
};

/// `oidcExchangeToken`: a token of an OIDC provider, by the client-credentials grant.
struct oidc_source {
  std::string issuer;
  std::string token_endpoint;  ///< empty: discovered at the issuer
  std::string client_id, client_secret;
  std::vector<std::string> scopes;
  std::string audience;  ///< may be empty
  bool operator==(const oidc_source&) const = default;
};

struct aws_credential {
  std::string region;  ///< of the policy; the endpoint's host name wins at signing
  std::string ini;     ///< text of the Secret's credentials file; empty: the standard chain
  std::string profile = "default";
  std::optional<oidc_source> oidc = {};  ///< its token is exchanged for keys of `role_arn`
  std::string role_arn = {};
  bool operator==(const aws_credential&) const = default;
};

/// A token of Entra ID, by client secret or by a token of another provider.
struct azure_credential {
  std::string tenant_id, client_id;
  std::string client_secret;
  std::optional<oidc_source> oidc = {};
  bool operator==(const azure_credential&) const = default;
};

/// Workload identity federation: the provider's token for a Google one.
struct gcp_federation {
  oidc_source oidc;
  std::string audience;         ///< `//iam.googleapis.com/projects/…/providers/…`
  std::string service_account;  ///< e-mail to impersonate; may be empty
  bool operator==(const gcp_federation&) const = default;
};

struct gcp_credential {
  std::string project, region;  ///< put before the path
  std::string key_file;         ///< service_account.json; empty: federation, else the defaults
  std::optional<gcp_federation> federation = {};
  bool operator==(const gcp_credential&) const = default;
};

using credential = std::variant<std::monostate, header_credential, aws_credential, azure_credential,
                                gcp_credential>;

/// In words, for descriptions.
inline const char* source_of(const aws_credential& c) {
  return c.oidc ? "oidc exchange" : c.ini.empty() ? "standard chain" : "secret";
}
inline const char* source_of(const azure_credential& c) {
  return c.oidc ? "oidc exchange" : "client secret";
}
inline const char* source_of(const gcp_credential& c) {
  if (c.federation) return "workload identity federation";
  return c.key_file.empty() ? "application default credentials" : "secret";
}

/// `credentialOverride.fromRequestHeaders`: the client brings the credential along.
struct credential_override {
  std::string header;      ///< lower case; for AWS the prefix of three
  bool falls_back = true;  ///< absent: the policy's own credential, else 401
  bool operator==(const credential_override&) const = default;

  /// The fields that carry it: these never go upstream.
  std::vector<std::string> names(const credential& of) const {
    if (!std::holds_alternative<aws_credential>(of)) return {header};
    return {header + "access-key-id", header + "secret-access-key", header + "session-token"};
  }
};

}  // namespace understudy::plan
