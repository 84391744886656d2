#pragma once
#include <understudy/config/kinds/backends.hpp>

#include "config/object_reader.hpp"

/// Field groups of a BackendSecurityPolicy. Semantics: spec/gateway-config.md §3; field names:
/// api/v1beta1/backendsecurity_policy.go of envoyproxy/ai-gateway.
namespace understudy::config {

void read_fields(object_reader& in, secret_key_ref& out);
void read_fields(object_reader& in, oidc_exchange_spec& out);
void read_fields(object_reader& in, aws_credentials_spec& out);
void read_fields(object_reader& in, azure_credentials_spec& out);
void read_fields(object_reader& in, gcp_credentials_spec& out);
void read_fields(object_reader& in, gcp_federation_spec& out);
void read_fields(object_reader& in, credential_override_spec& out);

}  // namespace understudy::config
