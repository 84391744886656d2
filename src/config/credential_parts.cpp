#include "config/credential_parts.hpp"

#include <understudy/base/ascii.hpp>

#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

/// Tokens and secrets go there: TLS, or this machine.
std::string check_token_url(std::string_view url) {
  const auto after = [url](std::string_view scheme) {
    auto rest = url.substr(scheme.size());
    rest = rest.substr(0, rest.find_first_of("/?#"));
    return rest;
  };
  const bool is_clean =
      std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7F && c != '@' && c != '#'; });
  if (is_clean && base::istarts_with(url, "https://") && !after("https://").empty()) return {};
  if (is_clean && base::istarts_with(url, "http://")) {
    const auto host = after("http://");
    for (const std::string_view local : {"localhost", "127.0.0.1", "[::1]"})
      if (host == local || host.starts_with(std::string{local} + ":")) return {};
    return "is no https URL; plain http is for loopback only";
  }
  return "is no URL; write `https://…`";
}

std::string check_grant(std::string_view text) {
  if (text == "client_credentials") return {};
  return "is no grant that works without a person; write `client_credentials`, or nothing";
}

text_rules required(std::string_view hint) { return {.is_required = true, .hint = hint}; }

void refuse_both(object_reader& in, bool has_both, std::string_view field, std::string_view other) {
  if (has_both)
    in.error(in.at_key(field), field,
             "is written beside `" + std::string{other} + "`; write one of the two");
}

}  // namespace

void read_fields(object_reader& in, secret_key_ref& out) {
  object_ref ref;
  static constexpr std::array<std::string_view, 1> secret_only{"Secret"};
  read_certificate_ref(in, ref, secret_only);
  out.name = ref.name;
  out.name_space = ref.name_space;
  out.at = ref.name.is_written ? ref.name.at : in.at();
}

/// The `oidc` of Envoy Gateway is made for people who log in: what only they need is read over.
void read_fields(object_reader& in, oidc_exchange_spec& out) {
  in.object(
      "oidc",
      [&](object_reader& oidc) {
        oidc.object(
            "provider",
            [&](object_reader& provider) {
              provider.text(
                  "issuer", out.issuer,
                  {.is_required = true, .hint = "the provider's URL", .check = check_token_url});
              provider.text("tokenEndpoint", out.token_endpoint, {.check = check_token_url});
              provider.harmless({"authorizationEndpoint", "endSessionEndpoint"});
            },
            true, "`provider: {issuer: …}`");
        oidc.text("clientID", out.client_id, required("the client's id"));
        oidc.into("clientSecret", out.client_secret, true, "`clientSecret: {name: …}`");
        oidc.texts("scopes", out.scopes);
        oidc.harmless({"cookieNames", "cookieConfig", "cookieDomain", "redirectURL", "logoutPath"});
      },
      true, "`oidc: {provider: …, clientID: …, clientSecret: …}`");
  located<std::string> grant;
  in.text("grantType", grant, {.check = check_grant});
  in.text("aud", out.audience);
}

void read_fields(object_reader& in, aws_credentials_spec& out) {
  in.text("region", out.region, required("a region as in `us-east-1`"));
  in.object("credentialsFile", [&](object_reader& file) {
    file.into("secretRef", out.credentials_file, true, "`secretRef: {name: …}`");
    file.text("profile", out.profile);
  });
  in.object("oidcExchangeToken", [&](object_reader& exchange) {
    read_fields(exchange, out.oidc.emplace());
    exchange.text("awsRoleArn", out.oidc->aws_role_arn, required("the role to assume"));
  });
  refuse_both(in, in.has("credentialsFile") && in.has("oidcExchangeToken"), "oidcExchangeToken",
              "credentialsFile");
}

void read_fields(object_reader& in, azure_credentials_spec& out) {
  in.text("clientID", out.client_id, required("the application's id"));
  in.text("tenantID", out.tenant_id, required("the directory's id"));
  in.into("clientSecretRef", out.client_secret, !in.has("oidcExchangeToken"),
          "`clientSecretRef: {name: …}`, or `oidcExchangeToken`");
  in.into("oidcExchangeToken", out.oidc);
  refuse_both(in, in.has("clientSecretRef") && in.has("oidcExchangeToken"), "oidcExchangeToken",
              "clientSecretRef");
}

void read_fields(object_reader& in, gcp_federation_spec& out) {
  in.text("projectID", out.project_id, required("the number of the pool's project"));
  in.text("workloadIdentityPoolName", out.pool, required("the pool's name"));
  in.text("workloadIdentityProviderName", out.provider, required("the provider's name"));
  in.into("oidcExchangeToken", out.oidc, true, "`oidcExchangeToken: {oidc: …}`");
  in.object("serviceAccountImpersonation", [&](object_reader& account) {
    account.text("serviceAccountName", out.service_account, required("the service account"));
  });
}

void read_fields(object_reader& in, gcp_credentials_spec& out) {
  in.text("projectName", out.project, required("the project's id"));
  in.text("region", out.region, required("a region as in `us-central1`"));
  in.object("credentialsFile", [&](object_reader& file) {
    file.into("secretRef", out.credentials_file, true, "`secretRef: {name: …}`");
  });
  in.into("workloadIdentityFederationConfig", out.federation);
  refuse_both(in, in.has("credentialsFile") && in.has("workloadIdentityFederationConfig"),
              "workloadIdentityFederationConfig", "credentialsFile");
  in.refused("isPassthrough", "is not supported; write `projectName` and `region`");
}

void read_fields(object_reader& in, credential_override_spec& out) {
  out.at = in.at();
  in.text("header", out.header, {.max_length = 256, .check = check_header_name});
  in.boolean("fallbackToConfigured", out.falls_back);
}

}  // namespace understudy::config
