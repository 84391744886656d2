#include <understudy/credentials/sts.hpp>

#include <algorithm>
#include <cctype>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/sigv4.hpp>
#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/oidc.hpp>
#include <understudy/credentials/xml.hpp>

namespace understudy::credentials {
namespace {

constexpr std::string_view version = "2011-06-15";

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

base::result<http_call, failure> sts_endpoint(std::string_view region,
                                              std::string_view override_url) {
  if (override_url.empty() && !is_word(region))
    return failure{"STS: no region; set AWS_REGION, or `region` in the policy"};
  const bool is_china = region.starts_with("cn-");
  auto call =
      parse_secure_url(override_url.empty() ? "https://sts." + std::string{region} +
                                                  ".amazonaws.com" + (is_china ? ".cn" : "") + "/"
                                            : std::string{override_url});
  if (!call) return failure{"AWS_ENDPOINT_URL_STS: " + call.error().reason};
  call->timeout = token_timeout;
  return call;
}

http_call web_identity_call(const sts_role& role, std::string_view token) {
  http_call call = role.endpoint;
  set_form(call, {{"Action", "AssumeRoleWithWebIdentity"},
                  {"Version", version},
                  {"RoleArn", role.arn},
                  {"RoleSessionName", role.session_name},
                  {"WebIdentityToken", token}});
  call.fields.pop_back();  // it asks for JSON; XML is what is documented
  return call;
}

// In the query, as a content type would have to be signed too.
http_call assume_role_call(const sts_role& role, const aws_keys& keys, base::wall_time now) {
  http_call call = role.endpoint;
  form pairs{{"Action", "AssumeRole"},
             {"Version", version},
             {"RoleArn", role.arn},
             {"RoleSessionName", role.session_name}};
  if (!role.external_id.empty()) pairs.emplace_back("ExternalId", role.external_id);
  call.target += "?" + form_text(pairs);
  auto fields = codec::sign({call.method, authority(call), call.target, {}},
                            {keys.access_key_id, keys.secret_access_key, keys.session_token},
                            role.region, "sts", now);
  for (auto& f : fields) call.fields.push_back(std::move(f));
  return call;
}

base::result<aws_keys, failure> parse_sts_reply(const http_reply& reply) {
  const auto leaves = read_xml(reply.body);
  const auto text = [&](std::string_view path) {
    if (!leaves) return std::string{};
    const auto found = leaves->find(path);
    return found == leaves->end() ? std::string{} : found->second;
  };
  if (reply.status != 200) {
    const auto code = text("ErrorResponse/Error/Code");
    return failure{"STS answered with " + std::to_string(reply.status) +
                   (is_word(code) ? ", " + code : "")};
  }
  if (!leaves) return failure{"STS's answer is not the XML that it should be"};
  for (const std::string action : {"AssumeRoleWithWebIdentity", "AssumeRole"}) {
    const auto credentials = action + "Response/" + action + "Result/Credentials/";
    aws_keys keys{text(credentials + "AccessKeyId"), text(credentials + "SecretAccessKey"),
                  text(credentials + "SessionToken"),
                  parse_rfc3339(text(credentials + "Expiration"))};
    if (keys.access_key_id.empty() && keys.secret_access_key.empty()) continue;
    if (!is_visible(keys.access_key_id) || !is_visible(keys.secret_access_key) ||
        !is_visible(keys.session_token))
      return failure{"STS's answer has unusable keys"};
    if (!keys.expires) return failure{"STS's answer has no Expiration that is a time"};
    return keys;
  }
  return failure{"STS's answer has no keys"};
}

}  // namespace understudy::credentials
