#include <understudy/config/environment.hpp>

#include <string_view>
#include <vector>

#include <understudy/config/json_writer.hpp>

#include "config/scalars.hpp"

namespace understudy::config {
namespace {

using lookup = std::function<std::optional<std::string>(const std::string&)>;

struct address {
  bool is_tls = true;
  std::string host;
  std::string port;
  std::string prefix;  ///< the path without the slash at its end
};

address parse_url(std::string_view url) {
  address out;
  if (url.starts_with("http://")) out.is_tls = false;
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  const auto slash = url.find_first_of("/?#");
  auto authority = url.substr(0, slash);
  auto path = slash == std::string_view::npos ? std::string_view{} : url.substr(slash);
  path = path.substr(0, path.find_first_of("?#"));
  while (path.ends_with('/')) path.remove_suffix(1);
  out.prefix = path;
  out.port = out.is_tls ? "443" : "80";
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    out.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  out.host = authority;
  return out;
}

/// A provider as its three to five objects.
struct provider {
  std::string name;
  std::string schema;
  std::string version;
  address at;
  bool has_prefix = false;
  std::string policy_type, policy_field, key_variable;  ///< empty: signed by the AWS chain
  std::string region;
};

std::string in_quotes(std::string_view text) {
  // A `$` of the environment's value must not be read as a reference of ours.
  auto out = json_quoted(text);
  for (std::size_t i = 0; (i = out.find("${", i)) != std::string::npos; i += 3) out.insert(i, "$");
  return out;
}

std::string document(std::string_view api, std::string_view kind, std::string_view name) {
  return "---\napiVersion: " + std::string{api} + "\nkind: " + std::string{kind} +
         "\nmetadata: {name: " + std::string{name} + ", namespace: default}\n";
}

std::string backend_objects(const provider& p) {
  const bool is_ip = is_ip_address(p.at.host);
  auto out = document("gateway.envoyproxy.io/v1alpha1", "Backend", p.name);
  out += "spec:\n  endpoints:\n    - ";
  out += is_ip ? "ip: {address: " : "fqdn: {hostname: ";
  out += in_quotes(p.at.host) + ", port: " + p.at.port + "}\n";
  if (p.at.is_tls) out += "  tls: {wellKnownCACertificates: System}\n";
  out += document("aigateway.envoyproxy.io/v1beta1", "AIServiceBackend", p.name);
  out += "spec:\n  schema:\n    name: " + p.schema + "\n";
  if (p.has_prefix)
    out += "    prefix: " + in_quotes(p.at.prefix.empty() ? "/" : p.at.prefix) + "\n";
  if (!p.version.empty()) out += "    version: " + in_quotes(p.version) + "\n";
  out += "  backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: " + p.name + "}\n";
  return out;
}

std::string credential_objects(const provider& p) {
  auto out = document("aigateway.envoyproxy.io/v1beta1", "BackendSecurityPolicy", p.name);
  out +=
      "spec:\n  targetRefs:\n    - {group: aigateway.envoyproxy.io, kind: AIServiceBackend, "
      "name: " +
      p.name + "}\n";
  if (p.key_variable.empty())
    return out + "  type: AWSCredentials\n  awsCredentials: {region: " + in_quotes(p.region) +
           "}\n";
  out += "  type: " + p.policy_type + "\n  " + p.policy_field + ": {secretRef: {name: " + p.name +
         "}}\n";
  return out + document("v1", "Secret", p.name) + "stringData: {apiKey: \"${" + p.key_variable +
         "}\"}\n";
}

std::vector<provider> providers_of(const lookup& environment) {
  const auto value = [&](const char* name) {
    return environment ? environment(name).value_or("") : std::string{};
  };
  const auto otherwise = [&](const char* name, const char* fallback) {
    const auto found = value(name);
    return found.empty() ? std::string{fallback} : found;
  };
  std::vector<provider> out;
  if (!value("OPENAI_API_KEY").empty())
    out.push_back({.name = "openai",
                   .schema = "OpenAI",
                   .version = {},
                   .at = parse_url(otherwise("OPENAI_BASE_URL", "https://api.openai.com/v1")),
                   .has_prefix = true,
                   .policy_type = "APIKey",
                   .policy_field = "apiKey",
                   .key_variable = "OPENAI_API_KEY",
                   .region = {}});
  if (!value("ANTHROPIC_API_KEY").empty()) {
    auto at = parse_url(otherwise("ANTHROPIC_BASE_URL", "https://api.anthropic.com"));
    if (at.prefix.empty()) at.prefix = "/v1";  // Anthropic's SDKs name the host alone
    out.push_back({.name = "anthropic",
                   .schema = "Anthropic",
                   .version = {},
                   .at = std::move(at),
                   .has_prefix = true,
                   .policy_type = "AnthropicAPIKey",
                   .policy_field = "anthropicAPIKey",
                   .key_variable = "ANTHROPIC_API_KEY",
                   .region = {}});
  }
  if (!value("AZURE_OPENAI_API_KEY").empty() && !value("AZURE_OPENAI_ENDPOINT").empty())
    out.push_back({.name = "azure-openai",
                   .schema = "AzureOpenAI",
                   .version = otherwise("OPENAI_API_VERSION", "2024-10-21"),
                   .at = parse_url(value("AZURE_OPENAI_ENDPOINT")),
                   .has_prefix = false,
                   .policy_type = "AzureAPIKey",
                   .policy_field = "azureAPIKey",
                   .key_variable = "AZURE_OPENAI_API_KEY",
                   .region = {}});
  const bool has_aws =
      (!value("AWS_ACCESS_KEY_ID").empty() && !value("AWS_SECRET_ACCESS_KEY").empty()) ||
      !value("AWS_PROFILE").empty() || !value("AWS_WEB_IDENTITY_TOKEN_FILE").empty() ||
      !value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
      !value("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
  if (has_aws && !value("AWS_REGION").empty()) {
    provider p;
    p.name = "aws-bedrock";
    p.schema = "AWSBedrock";
    p.region = value("AWS_REGION");
    p.at.host = "bedrock-runtime." + p.region + ".amazonaws.com";
    p.at.port = "443";
    out.push_back(std::move(p));
  }
  return out;
}

}  // namespace

std::optional<source_file> environment_configuration(const lookup& environment) {
  const auto providers = providers_of(environment);
  if (providers.empty()) return std::nullopt;
  std::string text = document("aigateway.envoyproxy.io/v1beta1", "AIGatewayRoute", "environment");
  text +=
      "spec:\n  rules:\n    - matches:\n        - headers:\n"
      "            - {type: RegularExpression, name: x-ai-eg-model, value: \".*\"}\n"
      "      backendRefs:\n";
  for (std::size_t i = 0; i < providers.size(); ++i)
    text += "        - {name: " + providers[i].name + ", priority: " + std::to_string(i) + "}\n";
  for (const auto& p : providers) text += backend_objects(p) + credential_objects(p);
  return source_file{"environment", std::move(text)};
}

}  // namespace understudy::config
