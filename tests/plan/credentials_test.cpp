#include <understudy/plan/describe.hpp>

#include "catch.hpp"
#include "helpers.hpp"

using namespace plan_test;

namespace {

const std::string refs_and_backend = route("{name: openai}") + backend("openai", local_endpoint);

const plan::backend& first_backend(const outcome& result) {
  REQUIRE(result.compiled);
  return result.compiled->routes.at(0).rules.at(0).backends.at(0);
}

const std::string exchange =
    "oidcExchangeToken: {aud: a, oidc: {provider: {issuer: https://i}, clientID: me, scopes: [s], "
    "clientSecret: {name: far, namespace: other}}";
const plan::oidc_source exchanged{"https://i", "", "me", "far-secret", {"s"}, "a"};

}  // namespace

TEST_CASE("credentials that tokens are fetched for") {
  struct row {
    const char* type;
    const char* field;
    std::string value;
    plan::credential expected;
  };
  const plan::gcp_federation federation{
      exchanged,
      "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/a/providers/b",
      "sa@p.iam.gserviceaccount.com"};
  const row rows[] = {
      {"AWSCredentials", "awsCredentials", "{region: r, " + exchange + ", awsRoleArn: arn}}",
       plan::aws_credential{"r", "", "default", exchanged, "arn"}},
      {"AzureCredentials", "azureCredentials",
       "{tenantID: t, clientID: c, clientSecretRef: {name: key}}",
       plan::azure_credential{"t", "c", "cs-secret"}},
      {"AzureCredentials", "azureCredentials", "{tenantID: t, clientID: c, " + exchange + "}}",
       plan::azure_credential{"t", "c", "", exchanged}},
      {"GCPCredentials", "gcpCredentials", "{projectName: p, region: r}",
       plan::gcp_credential{"p", "r", ""}},
      {"GCPCredentials", "gcpCredentials",
       "{projectName: p, region: r, credentialsFile: {secretRef: {name: key}}}",
       plan::gcp_credential{"p", "r", "{}"}},
      {"GCPCredentials", "gcpCredentials",
       "{projectName: p, region: r, workloadIdentityFederationConfig: {projectID: '42', "
       "workloadIdentityPoolName: a, workloadIdentityProviderName: b, "
       "serviceAccountImpersonation: {serviceAccountName: sa}, " +
           exchange + "}}}",
       plan::gcp_credential{"p", "r", "", federation}},
  };
  for (const auto& r : rows) {
    CAPTURE(r.value);
    const auto result = compile(refs_and_backend + policy("openai", r.type, r.field, r.value));
    CHECK(first_backend(result).auth == r.expected);
    CHECK(plan::describe_json(*result.compiled).find("-secret") == std::string::npos);
  }
}

TEST_CASE("a credential of the request, under its default name or another") {
  const auto made = [](const char* more) {
    return compile(
        refs_and_backend +
        policy("openai", "APIKey", "apiKey", "{secretRef: {name: key}}",
               "  credentialOverride: {fromRequestHeaders: " + std::string{more} + "}\n"));
  };
  const auto usual = made("{}");
  CHECK(first_backend(usual).request_auth == plan::credential_override{"x-aigw-api-key", true});
  CHECK(first_backend(usual).headers.remove == std::vector<std::string>{"x-aigw-api-key"});
  CHECK(first_backend(made("{header: X-Mine, fallbackToConfigured: false}")).request_auth ==
        plan::credential_override{"x-mine", false});
}

TEST_CASE("Vertex needs a project and a region") {
  const auto result = compile(refs_and_backend + service("openai", "name: GCPVertexAI"));
  CHECK_FALSE(result.compiled);
  CHECK(result.says("needs a BackendSecurityPolicy of type GCPCredentials"));
}
