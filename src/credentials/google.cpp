#include <understudy/credentials/google.hpp>

#include <nlohmann/json.hpp>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>
#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/jwt.hpp>
#include <understudy/credentials/oidc.hpp>

namespace understudy::credentials {
namespace {

using nlohmann::json;

constexpr std::string_view scope = "https://www.googleapis.com/auth/cloud-platform";

base::result<http_call, failure> call_to(std::string_view url, const char* what) {
  auto call = parse_secure_url(url);
  if (!call) return failure{std::string{what} + ": " + call.error().reason};
  call->timeout = token_timeout;
  return call;
}

}  // namespace

std::string assertion_claims(const service_account& account, base::wall_time now) {
  constexpr std::int64_t hour = 3600;
  const auto issued = codec::unix_seconds(now);
  const json claims = {{"iss", account.email},
                       {"scope", scope},
                       {"aud", account.token_uri},
                       {"iat", issued},
                       {"exp", issued + hour}};
  return claims.dump(-1, ' ', false, json::error_handler_t::replace);
}

base::result<http_call, failure> token_call(const service_account& account, base::wall_time now) {
  auto call = call_to(account.token_uri, "token_uri of the key file");
  if (!call) return call;
  json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  if (!account.key_id.empty()) header["kid"] = account.key_id;
  const auto token = sign_jwt(header.dump(-1, ' ', false, json::error_handler_t::replace),
                              assertion_claims(account, now), account.private_key_pem);
  if (!token) return token.error();
  set_form(*call,
           {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", *token}});
  return call;
}

base::result<http_call, failure> token_call(const authorized_user& user) {
  auto call = call_to(user.token_uri, "token_uri of the credentials file");
  if (!call) return call;
  set_form(*call, {{"grant_type", "refresh_token"},
                   {"client_id", user.client_id},
                   {"client_secret", user.client_secret},
                   {"refresh_token", user.refresh_token}});
  return call;
}

base::result<std::string, failure> subject_token(std::string_view text,
                                                 std::string_view json_field) {
  std::string token;
  if (json_field.empty()) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos)
      token = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  } else {
    const auto answer = json::parse(text, nullptr, false);
    const auto found = answer.is_object() ? answer.find(json_field) : answer.end();
    if (answer.is_object() && found != answer.end() && found->is_string())
      token = found->get<std::string>();
  }
  if (!is_visible(token)) return failure{"the subject token is missing or unusable"};
  return {boost::system::in_place_value, std::move(token)};
}

base::result<http_call, failure> exchange_call(std::string_view token_url,
                                               std::string_view audience,
                                               std::string_view subject_token_type,
                                               std::string_view subject_token) {
  auto call = call_to(token_url, "token_url");
  if (!call) return call;
  set_form(*call, {{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                   {"audience", audience},
                   {"scope", scope},
                   {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
                   {"subject_token_type", subject_token_type},
                   {"subject_token", subject_token}});
  return call;
}

std::string impersonation_url(std::string_view email) {
  return "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" +
         codec::path_escape(email) + ":generateAccessToken";
}

base::result<http_call, failure> impersonation_call(std::string_view url, std::string_view token) {
  auto call = call_to(url, "service_account_impersonation_url");
  if (!call) return call;
  call->method = "POST";
  call->fields = {{"content-type", "application/json"},
                  {"accept", "application/json"},
                  {"authorization", "Bearer " + std::string{token}}};
  call->body = json{{"scope", json::array({scope})}, {"lifetime", "3600s"}}.dump();
  return call;
}

base::result<bearer_token, failure> parse_impersonation(const http_reply& reply) {
  if (reply.status != 200) return failure{describe_refusal(reply)};
  const auto answer = json::parse(reply.body, nullptr, false);
  if (!answer.is_object()) return failure{"was not answered with a JSON object"};
  const auto text = [&](const char* key) {
    const auto found = answer.find(key);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  bearer_token token{text("accessToken"), parse_rfc3339(text("expireTime"))};
  if (!is_visible(token.value)) return failure{"was answered without a usable accessToken"};
  if (!token.expires) return failure{"was answered without an expireTime"};
  return token;
}

std::string vertex_target(const plan::gcp_credential& credential, std::string_view target) {
  if (target.starts_with('/')) target.remove_prefix(1);
  std::string out = "/v1/projects/";
  out.append(codec::path_escape(credential.project)).append("/locations/");
  out.append(codec::path_escape(credential.region)).append("/").append(target);
  return out;
}

}  // namespace understudy::credentials
