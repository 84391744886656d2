#include <understudy/credentials/oidc.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

#include <understudy/codec/text.hpp>

#include "credentials/json_text.hpp"

namespace understudy::credentials {
namespace {

using nlohmann::json;

std::string_view without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

/// Such a word goes into a message; anything stranger does not.
bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
}

/// Seconds as a number, or as the text that some services write.
std::optional<std::chrono::seconds> seconds_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  constexpr double longest = 10.0 * 365 * 24 * 3600;
  double value = -1;
  if (found->is_number()) {
    value = found->get<double>();
  } else if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    std::int64_t whole = 0;
    const auto end = text.data() + text.size();
    if (const auto r = std::from_chars(text.data(), end, whole); r.ptr == end && !text.empty())
      value = static_cast<double>(whole);
  }
  if (!(value >= 0)) return std::nullopt;
  return std::chrono::seconds{static_cast<std::int64_t>(std::min(value, longest))};
}

}  // namespace

std::string describe_refusal(const http_reply& reply) {
  std::string text = "was answered with " + std::to_string(reply.status);
  const auto answer = json::parse(reply.body, nullptr, false);
  if (!answer.is_object()) return text;
  auto code = text_of(answer, "error");
  if (const auto inner = answer.find("error"); inner != answer.end() && inner->is_object())
    code = text_of(*inner, "status");
  if (is_code(code)) text += ", " + code;
  if (const auto codes = answer.find("error_codes"); codes != answer.end() && codes->is_array())
    for (const auto& number : *codes)
      if (number.is_number_unsigned()) text += ", AADSTS" + number.dump();
  return text;
}

base::result<http_call, failure> discovery_call(std::string_view issuer) {
  auto call =
      parse_secure_url(std::string{without_slash(issuer)} + "/.well-known/openid-configuration");
  if (!call) return failure{"OIDC issuer: " + call.error().reason};
  call->fields.push_back({"accept", "application/json"});
  call->timeout = token_timeout;
  return call;
}

base::result<token_endpoint, failure> parse_discovery(const http_reply& reply,
                                                      std::string_view issuer) {
  if (reply.status != 200) return failure{"OIDC discovery " + describe_refusal(reply)};
  const auto answer = json::parse(reply.body, nullptr, false);
  if (!answer.is_object()) return failure{"the OIDC discovery document is not a JSON object"};
  if (without_slash(text_of(answer, "issuer")) != without_slash(issuer))
    return failure{"the OIDC discovery document is of another issuer"};
  token_endpoint out{text_of(answer, "token_endpoint")};
  if (out.url.empty()) return failure{"the OIDC discovery document names no token_endpoint"};
  const auto methods = answer.find("token_endpoint_auth_methods_supported");
  if (methods == answer.end() || !methods->is_array()) return out;
  const auto lists = [&](const char* method) {
    return std::ranges::find(*methods, json(method)) != methods->end();
  };
  out.takes_basic = lists("client_secret_basic") || !lists("client_secret_post");
  return out;
}

base::result<http_call, failure> client_credentials_call(const plan::oidc_source& source,
                                                         const token_endpoint& endpoint) {
  auto call = parse_secure_url(endpoint.url);
  if (!call) return failure{"OIDC token endpoint: " + call.error().reason};
  call->timeout = token_timeout;
  std::string scope;
  for (const auto& one : source.scopes) scope.append(scope.empty() ? "" : " ").append(one);
  form pairs{{"grant_type", "client_credentials"}};
  if (!scope.empty()) pairs.emplace_back("scope", scope);
  if (!source.audience.empty()) pairs.emplace_back("audience", source.audience);
  if (!endpoint.takes_basic) {
    pairs.emplace_back("client_id", source.client_id);
    pairs.emplace_back("client_secret", source.client_secret);
  }
  set_form(*call, pairs);
  if (endpoint.takes_basic)
    call->fields.push_back(
        {"authorization",
         "Basic " + codec::base64_encode(codec::uri_escape(source.client_id, false) + ":" +
                                         codec::uri_escape(source.client_secret, false))});
  return call;
}

base::result<bearer_token, failure> parse_token(const http_reply& reply, base::wall_time asked) {
  if (reply.status != 200) return failure{describe_refusal(reply)};
  const auto answer = json::parse(reply.body, nullptr, false);
  if (!answer.is_object()) return failure{"was not answered with a JSON object"};
  bearer_token token;
  token.value = text_of(answer, "access_token");
  if (token.value.empty()) return failure{"was answered without an access_token"};
  if (!is_visible(token.value)) return failure{"was answered with an unusable access_token"};
  const auto type = text_of(answer, "token_type");
  if (!type.empty() && !base::iequals(type, "bearer"))
    return failure{"was answered with a token that is no Bearer token"};
  if (const auto left = seconds_of(answer, "expires_in")) token.expires = asked + *left;
  return token;
}

base::result<http_call, failure> entra_call(const plan::azure_credential& wanted,
                                            std::string_view authority,
                                            std::string_view assertion) {
  std::string url{without_slash(authority)};
  if (url.find("://") == std::string::npos) url = "https://" + url;
  auto call = parse_secure_url(url + "/" + codec::uri_escape(wanted.tenant_id, false) +
                               "/oauth2/v2.0/token");
  if (!call) return failure{"AZURE_AUTHORITY_HOST: " + call.error().reason};
  call->timeout = token_timeout;
  form pairs{{"grant_type", "client_credentials"},
             {"client_id", wanted.client_id},
             {"scope", "https://cognitiveservices.azure.com/.default"}};
  if (assertion.empty()) {
    pairs.emplace_back("client_secret", wanted.client_secret);
  } else {
    pairs.emplace_back("client_assertion_type",
                       "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    pairs.emplace_back("client_assertion", assertion);
  }
  set_form(*call, pairs);
  return call;
}

}  // namespace understudy::credentials
