#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "plan/backends.hpp"

namespace understudy::plan {
namespace {

using config::backend_security_policy;

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)};
}

const backend_security_policy* policy_of(compile_state& state,
                                         const config::object_header& service) {
  const backend_security_policy* found = nullptr;
  for (const auto& policy : state.in.security_policies) {
    if (policy.header.name_space != service.name_space) continue;
    for (std::size_t i = 0; i < policy.targets.size(); ++i) {
      const auto& target = policy.targets[i];
      if (target.kind.value != "AIServiceBackend" || target.name.value != service.name) continue;
      if (found != nullptr && found != &policy) {
        state.say.error(target.name.at, policy.header,
                        "spec.targetRefs[" + std::to_string(i) + "].name",
                        "`" + service.name + "` has a BackendSecurityPolicy already, `" +
                            found->header.name + "`; remove one of the two");
        return found;
      }
      found = &policy;
    }
  }
  return found;
}

/// A key of the Secret, in the policy's namespace unless `is_far` allows its own; an error when it
/// is missing. The value appears nowhere else.
std::optional<std::string> secret_value(compile_state& state, const backend_security_policy& policy,
                                        const config::secret_key_ref& ref, const std::string& field,
                                        const std::string& key, bool is_far = false) {
  if (!ref.name.is_written) return std::nullopt;
  const auto& space =
      is_far && ref.name_space.is_written ? ref.name_space.value : policy.header.name_space;
  const auto* secret = find_object(state.in.secrets, space, ref.name.value);
  if (secret == nullptr) {
    if (!state.in.is_incomplete)
      state.say.error(ref.at, policy.header, field,
                      "no Secret `" + space + "/" + ref.name.value + "`; " +
                          remedy(ref.name.value, names_in(space, state.in.secrets), "add it"));
    return std::nullopt;
  }
  const auto found = secret->values.find(key);
  if (found != secret->values.end() && !trimmed(found->second).empty())
    return trimmed(found->second);
  if (!secret->header.is_broken)
    state.say.error(
        ref.at, policy.header, field,
        "Secret `" + space + "/" + ref.name.value + "` has no `" + key + "`; add that key to it");
  return std::nullopt;
}

credential key_credential(compile_state& state, const backend_security_policy& policy) {
  struct form {
    std::string_view type, field, header, prefix;
  };
  static constexpr form forms[] = {
      {"APIKey", "apiKey", "authorization", "Bearer "},
      {"AzureAPIKey", "azureAPIKey", "api-key", ""},
      {"AnthropicAPIKey", "anthropicAPIKey", "x-api-key", ""},
  };
  for (const auto& f : forms) {
    if (policy.type.value != f.type || !policy.key) continue;
    const auto field = "spec." + std::string{f.field} + ".secretRef.name";
    if (const auto value = secret_value(state, policy, *policy.key, field, "apiKey"))
      return header_credential{std::string{f.header}, std::string{f.prefix} + *value};
  }
  return {};
}

oidc_source oidc_of(compile_state& state, const backend_security_policy& policy,
                    const config::oidc_exchange_spec& in, const std::string& field) {
  oidc_source out;
  out.issuer = in.issuer.value;
  out.token_endpoint = in.token_endpoint.value;
  out.client_id = in.client_id.value;
  for (const auto& scope : in.scopes) out.scopes.push_back(scope.value);
  out.audience = in.audience.value;
  if (in.client_secret)
    out.client_secret = secret_value(state, policy, *in.client_secret,
                                     field + ".oidc.clientSecret.name", "client-secret", true)
                            .value_or("");
  return out;
}

credential aws_of(compile_state& state, const backend_security_policy& policy) {
  if (!policy.aws) return {};
  const auto& in = *policy.aws;
  aws_credential out;
  out.region = in.region.value;
  out.profile = in.profile.value;
  if (in.credentials_file)
    out.ini = secret_value(state, policy, *in.credentials_file,
                           "spec.awsCredentials.credentialsFile.secretRef.name", "credentials")
                  .value_or("");
  if (in.oidc) {
    out.oidc = oidc_of(state, policy, *in.oidc, "spec.awsCredentials.oidcExchangeToken");
    out.role_arn = in.oidc->aws_role_arn.value;
  }
  return out;
}

credential azure_of(compile_state& state, const backend_security_policy& policy) {
  if (!policy.azure) return {};
  const auto& in = *policy.azure;
  azure_credential out;
  out.tenant_id = in.tenant_id.value;
  out.client_id = in.client_id.value;
  if (in.client_secret)
    out.client_secret =
        secret_value(state, policy, *in.client_secret, "spec.azureCredentials.clientSecretRef.name",
                     "client-secret", true)
            .value_or("");
  if (in.oidc)
    out.oidc = oidc_of(state, policy, *in.oidc, "spec.azureCredentials.oidcExchangeToken");
  return out;
}

/// A bare name is one of the policy's project, as the gateway that it comes from reads it.
std::string account_of(const config::gcp_credentials_spec& in) {
  const auto& name = in.federation->service_account.value;
  if (name.empty() || name.find('@') != std::string::npos) return name;
  return name + "@" + in.project.value + ".iam.gserviceaccount.com";
}

credential gcp_of(compile_state& state, const backend_security_policy& policy) {
  if (!policy.gcp) return {};
  const auto& in = *policy.gcp;
  gcp_credential out{in.project.value, in.region.value, {}, {}};
  if (in.credentials_file)
    out.key_file = secret_value(state, policy, *in.credentials_file,
                                "spec.gcpCredentials.credentialsFile.secretRef.name",
                                "service_account.json", true)
                       .value_or("");
  if (in.federation && in.federation->oidc) {
    auto& federation = out.federation.emplace();
    federation.oidc =
        oidc_of(state, policy, *in.federation->oidc,
                "spec.gcpCredentials.workloadIdentityFederationConfig.oidcExchangeToken");
    federation.audience = "//iam.googleapis.com/projects/" + in.federation->project_id.value +
                          "/locations/global/workloadIdentityPools/" + in.federation->pool.value +
                          "/providers/" + in.federation->provider.value;
    federation.service_account = account_of(in);
  }
  return out;
}

credential policy_credential(compile_state& state, const backend_security_policy& policy) {
  const auto& type = policy.type.value;
  if (type == "AWSCredentials") return aws_of(state, policy);
  if (type == "AzureCredentials") return azure_of(state, policy);
  if (type == "GCPCredentials") return gcp_of(state, policy);
  return key_credential(state, policy);
}

/// The names that the gateway gives its headers (spec/gateway-config.md §3).
std::string_view default_header(std::string_view type) {
  if (type == "AnthropicAPIKey") return "x-aigw-anthropic-api-key";
  if (type == "AzureAPIKey") return "x-aigw-azure-api-key";
  if (type == "AzureCredentials") return "x-aigw-azure-access-token";
  if (type == "GCPCredentials") return "x-aigw-gcp-access-token";
  if (type == "AWSCredentials") return "x-aigw-aws-";
  return "x-aigw-api-key";
}

void compile_override(compile_state& state, const backend_security_policy& policy, backend& out) {
  if (!policy.from_request) return;
  const auto& in = *policy.from_request;
  const auto& gcp = policy.gcp;
  if (in.falls_back.value && gcp && !gcp->credentials_file && !gcp->federation)
    state.say.error(
        in.falls_back.is_written ? in.falls_back.at : in.at, policy.header,
        "spec.credentialOverride.fromRequestHeaders.fallbackToConfigured",
        "there is nothing configured to fall back to but the Application Default Credentials of "
        "this machine; write `false`, or `gcpCredentials.credentialsFile`");
  auto& made = out.request_auth.emplace();
  made.header = base::lower(in.header.value);
  if (made.header.empty()) made.header = default_header(policy.type.value);
  made.falls_back = in.falls_back.value;
}

bool is_vertex(translate::schema schema) {
  return schema == translate::schema::gcp_vertex_ai || schema == translate::schema::gcp_anthropic;
}

std::string_view region_of(const config::backend_object& object) {
  for (const auto& endpoint : object.endpoints) {
    const auto& host =
        endpoint.hostname.value.empty() ? endpoint.host.value : endpoint.hostname.value;
    if (const auto region = region_of_host(host); !region.empty()) return region;
  }
  return {};
}

}  // namespace

void compile_credential(compile_state& state, const ref_context& ref,
                        const config::object_header& service, const config::backend_object& object,
                        backend& out) {
  const auto* policy = policy_of(state, service);
  if (is_vertex(out.schema) && !state.in.is_incomplete &&
      (policy == nullptr || policy->type.value != "GCPCredentials"))
    state.say.error(ref.at, ref.route, ref.field,
                    "`" + service.name + "` has schema " +
                        std::string{translate::name(out.schema)} +
                        " and needs a BackendSecurityPolicy of type GCPCredentials: the project "
                        "and region in its paths come from there");
  if (policy != nullptr) {
    out.auth = policy_credential(state, *policy);
    return compile_override(state, *policy, out);
  }
  if (out.schema != translate::schema::aws_bedrock &&
      out.schema != translate::schema::aws_anthropic && out.schema != translate::schema::aws_openai)
    return;
  const auto region = region_of(object);
  state.say.info(ref.at, ref.route, ref.field,
                 "no BackendSecurityPolicy for `" + service.name +
                     "`: requests are signed with the standard AWS credential chain" +
                     (region.empty() ? "" : ", region " + std::string{region}));
  out.auth = aws_credential{.region = std::string{region}, .ini = {}};
}

void hide_request_credentials(std::vector<backend>& backends) {
  std::vector<std::string> names;
  for (const auto& b : backends)
    if (b.request_auth)
      for (auto& name : b.request_auth->names(b.auth)) names.push_back(std::move(name));
  for (auto& b : backends)
    for (const auto& name : names)
      if (std::ranges::find(b.headers.remove, name) == b.headers.remove.end())
        b.headers.remove.push_back(name);
}

}  // namespace understudy::plan
