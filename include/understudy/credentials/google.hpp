#pragma once
#include <string>
#include <string_view>
#include <variant>

#include <understudy/base/result.hpp>
#include <understudy/credentials/host_access.hpp>
#include <understudy/credentials/http_call.hpp>
#include <understudy/credentials/secret.hpp>
#include <understudy/plan/credential.hpp>

/// Google's ways to an access token: key files (RFC 7523), refresh tokens, workload identity
/// federation (RFC 8693), the metadata server; and the order in which Application Default
/// Credentials look (google.com/docs/authentication/application-default-credentials). Pure.
namespace understudy::credentials {

struct service_account {
  std::string email, key_id, private_key_pem, token_uri;
};
struct authorized_user {
  std::string client_id, client_secret, refresh_token, token_uri;
};
/// An external account whose token is in a file or behind a URL.
struct external_account {
  std::string audience, subject_token_type, token_url;
  std::string impersonation_url;    ///< may be empty
  std::string file;                 ///< else `source`
  std::optional<http_call> source;  ///< answers with the token
  std::string json_field;           ///< of the text that holds it; empty: all of it
};
struct metadata_server {
  http_call call;
};
using google_source =
    std::variant<service_account, authorized_user, external_account, metadata_server>;

/// A credentials file by its `type`; the error says what cannot be used, without its contents.
base::result<google_source, failure> parse_google_file(std::string_view json);

/// The policy's key file, else Application Default Credentials: GOOGLE_APPLICATION_CREDENTIALS,
/// gcloud's well-known file, the metadata server (GCE_METADATA_HOST).
base::result<google_source, failure> resolve_google(const plan::gcp_credential& wanted,
                                                    const host_access& host);

base::result<http_call, failure> token_call(const service_account& account, base::wall_time now);
base::result<http_call, failure> token_call(const authorized_user& user);

/// The claims of a service account's assertion, as JSON.
std::string assertion_claims(const service_account& account, base::wall_time now);

/// The token in a file or answer of an external account.
base::result<std::string, failure> subject_token(std::string_view text,
                                                 std::string_view json_field);
/// RFC 8693 at Google's STS.
base::result<http_call, failure> exchange_call(std::string_view token_url,
                                               std::string_view audience,
                                               std::string_view subject_token_type,
                                               std::string_view subject_token);
inline constexpr std::string_view google_sts = "https://sts.googleapis.com/v1/token";
inline constexpr std::string_view jwt_type = "urn:ietf:params:oauth:token-type:jwt";

/// generateAccessToken of the IAM Credentials API, and its answer.
std::string impersonation_url(std::string_view email);
base::result<http_call, failure> impersonation_call(std::string_view url, std::string_view token);
base::result<bearer_token, failure> parse_impersonation(const http_reply& reply);

/// `/v1/projects/PROJECT/locations/REGION/` before a Vertex target.
std::string vertex_target(const plan::gcp_credential& credential, std::string_view target);

}  // namespace understudy::credentials
