#pragma once
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/credentials/http_call.hpp>
#include <understudy/credentials/secret.hpp>
#include <understudy/plan/credential.hpp>

/// OAuth 2 token endpoints (RFC 6749) and OpenID Connect Discovery 1.0: requests made, answers
/// read. Pure. No error quotes an answer beyond its error codes.
namespace understudy::credentials {

/// Where a token service may be far away.
inline constexpr std::chrono::milliseconds token_timeout{10'000};

/// ISSUER/.well-known/openid-configuration.
base::result<http_call, failure> discovery_call(std::string_view issuer);

struct token_endpoint {
  std::string url;
  bool takes_basic = true;  ///< client_secret_basic, else client_secret_post
};
/// The document must be the issuer's own.
base::result<token_endpoint, failure> parse_discovery(const http_reply& reply,
                                                      std::string_view issuer);

/// The client-credentials grant (RFC 6749 §4.4).
base::result<http_call, failure> client_credentials_call(const plan::oidc_source& source,
                                                         const token_endpoint& endpoint);

/// RFC 6749 §5.1; `asked` is when the request went out, which is where `expires_in` begins.
base::result<bearer_token, failure> parse_token(const http_reply& reply, base::wall_time asked);

/// `was answered with 400, invalid_client` of §5.2, Entra ID's `error_codes` and Google's `status`.
std::string describe_refusal(const http_reply& reply);

/// Entra ID: a token for Azure's AI services by client secret, or where `assertion` is not empty by
/// that token of another provider. `authority` is `https://login.microsoftonline.com` or another.
base::result<http_call, failure> entra_call(const plan::azure_credential& wanted,
                                            std::string_view authority, std::string_view assertion);

}  // namespace understudy::credentials
