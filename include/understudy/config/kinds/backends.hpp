#pragma once
#include <understudy/config/kinds/common.hpp>

namespace understudy::config {

struct schema_spec {
  located<std::string> name;
  located<std::string> prefix;
  located<std::string> version;
};

/// AIServiceBackend. CRD: api/v1beta1/ai_service_backend.go of envoyproxy/ai-gateway.
struct ai_service_backend {
  object_header header;
  schema_spec schema;
  object_ref backend;
  std::optional<header_mutation_spec> headers;
  std::optional<body_mutation_spec> body;
};

struct secret_key_ref {
  located<std::string> name;
  located<std::string> name_space;
  position at;
};

/// `oidcExchangeToken` of the three clouds.
struct oidc_exchange_spec {
  located<std::string> issuer, token_endpoint, client_id;
  std::optional<secret_key_ref> client_secret;
  std::vector<located<std::string>> scopes;
  located<std::string> audience;
  located<std::string> aws_role_arn;
};

struct aws_credentials_spec {
  located<std::string> region;
  std::optional<secret_key_ref> credentials_file;
  located<std::string> profile{"default"};
  std::optional<oidc_exchange_spec> oidc;
};

struct azure_credentials_spec {
  located<std::string> client_id, tenant_id;
  std::optional<secret_key_ref> client_secret;
  std::optional<oidc_exchange_spec> oidc;
};

struct gcp_federation_spec {
  located<std::string> project_id, pool, provider;
  std::optional<oidc_exchange_spec> oidc;
  located<std::string> service_account;
};

struct gcp_credentials_spec {
  located<std::string> project, region;
  std::optional<secret_key_ref> credentials_file;
  std::optional<gcp_federation_spec> federation;
};

/// `credentialOverride.fromRequestHeaders`.
struct credential_override_spec {
  located<std::string> header;
  located<bool> falls_back{true};
  position at;
};

/// BackendSecurityPolicy. CRD: api/v1beta1/backendsecurity_policy.go of envoyproxy/ai-gateway.
struct backend_security_policy {
  object_header header;
  std::vector<target_ref> targets;
  located<std::string> type;
  std::optional<secret_key_ref> key;  ///< of APIKey, AzureAPIKey, AnthropicAPIKey
  std::optional<aws_credentials_spec> aws;
  std::optional<azure_credentials_spec> azure;
  std::optional<gcp_credentials_spec> gcp;
  std::optional<credential_override_spec> from_request;
};

enum class endpoint_kind : std::uint8_t { fqdn, ip, unix_socket };

struct backend_endpoint {
  endpoint_kind kind = endpoint_kind::fqdn;
  located<std::string> host;  ///< name, address, or socket path
  located<std::uint16_t> port;
  located<std::string> hostname;
  position at;
};

struct backend_tls_spec {
  std::vector<object_ref> ca_refs;
  located<std::string> well_known_ca;
  located<bool> insecure_skip_verify{false};
  located<std::string> sni;
  located<bool> auto_sni{false};
  std::optional<object_ref> client_certificate;
  located<std::string> min_version{"1.2"};
  located<std::string> max_version{"1.3"};
  position at;
};

/// Backend of gateway.envoyproxy.io. CRD: api/v1alpha1/backend_types.go of envoyproxy/gateway.
struct backend_object {
  object_header header;
  std::vector<backend_endpoint> endpoints;
  located<bool> fallback{false};
  std::optional<backend_tls_spec> tls;
};

struct tls_validation {
  located<std::string> hostname;
  located<std::string> well_known_ca;
  std::vector<object_ref> ca_refs;
  std::vector<subject_alt_name> subject_alt_names;
};

/// BackendTLSPolicy of gateway.networking.k8s.io.
struct backend_tls_policy {
  object_header header;
  std::vector<target_ref> targets;
  tls_validation validation;
};

}  // namespace understudy::config
