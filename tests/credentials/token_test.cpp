#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>

#include <understudy/codec/text.hpp>
#include <understudy/credentials/google.hpp>
#include <understudy/credentials/jwt.hpp>
#include <understudy/credentials/oidc.hpp>

#include "catch.hpp"
#include "credentials/clock.hpp"
#include "credentials/fake_host.hpp"

using namespace understudy;
using namespace understudy::credentials;
using tests::fake_host;
using tests::start;
using tests::table;

namespace {

std::string field_of(const http_call& call, const std::string& name) {
  for (const auto& f : call.fields)
    if (f.name == name) return f.value;
  return {};
}

std::string decoded(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return codec::base64_decode(text).value_or("");
}

std::string pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string describe(const base::result<google_source, failure>& found) {
  if (!found) return "none: " + found.error().reason;
  if (const auto* account = std::get_if<service_account>(&*found))
    return "account " + account->email + " at " + account->token_uri;
  if (const auto* user = std::get_if<authorized_user>(&*found))
    return "user " + user->client_id + " at " + user->token_uri;
  if (const auto* external = std::get_if<external_account>(&*found))
    return "external " + external->file + (external->source ? external->source->host : "") + " " +
           external->json_field + " at " + external->token_url;
  return "metadata " + authority(std::get<metadata_server>(*found).call);
}

}  // namespace

TEST_CASE("answers of token endpoints") {
  struct row {
    int status;
    const char* body;
    const char* expected;  ///< token and seconds, or the failure
  };
  const row rows[] = {
      {200, R"({"access_token":"t","token_type":"bearer","expires_in":60})", "t 60"},
      {200, R"({"access_token":"t","expires_in":"60"})", "t 60"},
      {200, R"({"access_token":"t"})", "t never"},
      {200, R"({"access_token":"t","expires_in":-1})", "t never"},
      {200, R"({"access_token":"t","token_type":"mac"})",
       "was answered with a token that is no Bearer token"},
      {200, R"({"access_token":"t\r\nx: y"})", "was answered with an unusable access_token"},
      {200, R"({"id_token":"t"})", "was answered without an access_token"},
      {200, "[]", "was not answered with a JSON object"},
      {400, R"({"error":"invalid_client","error_description":"secret","error_codes":[7000215]})",
       "was answered with 400, invalid_client, AADSTS7000215"},
      {403, R"({"error":{"code":403,"status":"PERMISSION_DENIED","message":"m"}})",
       "was answered with 403, PERMISSION_DENIED"},
      {400, R"({"error":"not a code"})", "was answered with 400"},
      {502, "<html>", "was answered with 502"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.body);
    const auto token = parse_token({r.status, r.body}, start);
    CHECK((token ? token->value + " " +
                       (token->expires
                            ? std::to_string((*token->expires - start) / std::chrono::seconds{1})
                            : "never")
                 : token.error().reason) == r.expected);
  }
}

TEST_CASE("OIDC discovery is the issuer's own") {
  const auto call = discovery_call("https://login.example/tenant/");
  REQUIRE(call.has_value());
  CHECK(call->target == "/tenant/.well-known/openid-configuration");
  CHECK(discovery_call("http://login.example").has_error());
  CHECK(discovery_call("http://127.0.0.1:99").has_value());
  struct row {
    const char* body;
    const char* expected;
  };
  const row rows[] = {
      {R"({"issuer":"https://i/","token_endpoint":"https://i/t"})", "https://i/t basic"},
      {R"({"issuer":"https://i","token_endpoint":"https://i/t",
           "token_endpoint_auth_methods_supported":["client_secret_post"]})",
       "https://i/t post"},
      {R"({"issuer":"https://i","token_endpoint":"https://i/t",
           "token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]})",
       "https://i/t basic"},
      {R"({"issuer":"https://j","token_endpoint":"https://i/t"})",
       "the OIDC discovery document is of another issuer"},
      {R"({"issuer":"https://i"})", "the OIDC discovery document names no token_endpoint"},
      {"x", "the OIDC discovery document is not a JSON object"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.body);
    const auto found = parse_discovery({200, r.body}, "https://i");
    CHECK((found ? found->url + (found->takes_basic ? " basic" : " post") : found.error().reason) ==
          r.expected);
  }
}

TEST_CASE("the client-credentials grant") {
  const plan::oidc_source source{"https://i", "", "me", "a:b c", {"x", "y"}, "aud"};
  const auto basic = client_credentials_call(source, {"https://i/t", true});
  REQUIRE(basic.has_value());
  CHECK(basic->body == "grant_type=client_credentials&scope=x%20y&audience=aud");
  CHECK(field_of(*basic, "authorization") == "Basic " + codec::base64_encode("me:a%3Ab%20c"));
  const auto post = client_credentials_call(source, {"https://i/t", false});
  REQUIRE(post.has_value());
  CHECK(post->body ==
        "grant_type=client_credentials&scope=x%20y&audience=aud&client_id=me"
        "&client_secret=a%3Ab%20c");
  CHECK(field_of(*post, "authorization").empty());
  CHECK(client_credentials_call(source, {"http://i/t", true}).has_error());
}

TEST_CASE("Entra ID is asked by secret or by assertion") {
  const plan::azure_credential wanted{"ten/ant", "me", "s&t"};
  const auto call = entra_call(wanted, "login.microsoftonline.us/", "");
  REQUIRE(call.has_value());
  CHECK(call->host == "login.microsoftonline.us");
  CHECK(call->target == "/ten%2Fant/oauth2/v2.0/token");
  CHECK(call->body.ends_with("&client_secret=s%26t"));
  const auto federated = entra_call(wanted, "https://login.microsoftonline.com", "jwt");
  REQUIRE(federated.has_value());
  CHECK(federated->body.ends_with("&client_assertion=jwt"));
  CHECK(federated->body.find("client_secret") == std::string::npos);
  CHECK(entra_call(wanted, "http://login.example", "").has_error());
}

TEST_CASE("a service account signs its assertion") {
  EVP_PKEY* key = EVP_RSA_gen(2048U);
  const service_account account{"a@p", "k1", pem_of(key), "https://oauth2.example/token"};
  const auto call = token_call(account, start);
  REQUIRE(call.has_value());
  const auto at = call->body.find("&assertion=");
  REQUIRE(at != std::string::npos);
  const auto token = call->body.substr(at + 11);
  const auto first = token.find('.'), second = token.rfind('.');
  using nlohmann::json;
  CHECK(json::parse(decoded(token.substr(0, first))) ==
        json({{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "k1"}}));
  CHECK(json::parse(decoded(token.substr(first + 1, second - first - 1))) ==
        json({{"iss", "a@p"},
              {"scope", "https://www.googleapis.com/auth/cloud-platform"},
              {"aud", "https://oauth2.example/token"},
              {"iat", 1'767'323'045},
              {"exp", 1'767'326'645}}));
  const auto signature = decoded(token.substr(second + 1));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  REQUIRE(EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1);
  CHECK(EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()),
                         signature.size(), reinterpret_cast<const unsigned char*>(token.data()),
                         second) == 1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  CHECK(sign_jwt("{}", "{}", "no key").error().reason ==
        "the private key is no PEM that can be read");
  EVP_PKEY* curve = EVP_EC_gen("P-256");
  CHECK(sign_jwt("{}", "{}", pem_of(curve)).error().reason ==
        "the private key is no RSA key of at least 2048 bits");
  EVP_PKEY_free(curve);
}

TEST_CASE("where Google's credentials are looked for") {
  const std::string account = R"({"type":"service_account","client_email":"a","private_key":"k"})";
  const std::string user =
      R"({"type":"authorized_user","client_id":"u","client_secret":"s","refresh_token":"r"})";
  const auto external = [](const std::string& source) {
    return R"({"type":"external_account","audience":"a","subject_token_type":"t",)"
           R"("credential_source":)" +
           source + "}";
  };
  struct row {
    std::string secret;
    table environment, files;
    std::string expected;
  };
  const row rows[] = {
      {account,
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}},
       {{"/f", user}},
       "account a at https://oauth2.googleapis.com/token"},
      {user, {}, {}, "none: the Secret: service_account.json is no service account's key file"},
      {"{}", {}, {}, "none: the Secret: the credentials file has no type that is known"},
      {"",
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}},
       {{"/f", user}},
       "user u at https://oauth2.googleapis.com/token"},
      {"",
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}, {"GCE_METADATA_HOST", "m"}},
       {},
       "none: the file of GOOGLE_APPLICATION_CREDENTIALS cannot be read"},
      {"",
       {{"HOME", "/h"}},
       {{"/h/.config/gcloud/application_default_credentials.json", account}},
       "account a at https://oauth2.googleapis.com/token"},
      {"",
       {{"CLOUDSDK_CONFIG", "/c"}},
       {{"/c/application_default_credentials.json", user}},
       "user u at https://oauth2.googleapis.com/token"},
      {"", {{"HOME", "/h"}}, {}, "metadata 169.254.169.254"},
      {"", {{"GCE_METADATA_HOST", "127.0.0.1:99"}}, {}, "metadata 127.0.0.1:99"},
      {"",
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}},
       {{"/f", external(R"({"file":"/t"})")}},
       "external /t  at https://sts.googleapis.com/v1/token"},
      {"",
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}},
       {{"/f", external(R"({"url":"http://169.254.169.254/t","headers":{"M":"v"},
                           "format":{"type":"json","subject_token_field_name":"f"}})")}},
       "external 169.254.169.254 f at https://sts.googleapis.com/v1/token"},
      {"",
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}},
       {{"/f", external(R"({"executable":{"command":"rm"}})")}},
       "none: the file of GOOGLE_APPLICATION_CREDENTIALS: credential_source.executable is not "
       "run; use a file or url"},
      {"",
       {{"GOOGLE_APPLICATION_CREDENTIALS", "/f"}},
       {{"/f", R"({"type":"impersonated_service_account"})"}},
       "none: the file of GOOGLE_APPLICATION_CREDENTIALS: credentials of type "
       "impersonated_service_account are not supported"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.expected);
    const fake_host host{r.environment, r.files};
    CHECK(describe(resolve_google({"p", "r", r.secret}, host.access())) == r.expected);
  }
}

TEST_CASE("tokens of external accounts, impersonation, and the path to Vertex") {
  CHECK(*subject_token(" t\n", "") == "t");
  CHECK(*subject_token(R"({"a":"t"})", "a") == "t");
  CHECK(subject_token(R"({"a":1})", "a").has_error());
  CHECK(subject_token("[]", "a").has_error());
  CHECK(subject_token(" ", "").has_error());
  const auto call = impersonation_call(impersonation_url("a@p"), "tok");
  REQUIRE(call.has_value());
  CHECK(call->host == "iamcredentials.googleapis.com");
  CHECK(field_of(*call, "authorization") == "Bearer tok");
  const auto token =
      parse_impersonation({200, R"({"accessToken":"t","expireTime":"2026-01-02T03:04:05Z"})"});
  REQUIRE(token.has_value());
  CHECK(*token == bearer_token{"t", start});
  CHECK(parse_impersonation({200, R"({"accessToken":"t"})"}).has_error());
  const plan::gcp_credential gcp{"p", "us-central1", ""};
  for (const auto* target : {"publishers/google/models/m:generateContent",
                             "/publishers/google/models/m:generateContent"})
    CHECK(vertex_target(gcp, target) ==
          "/v1/projects/p/locations/us-central1/publishers/google/models/m:generateContent");
}
