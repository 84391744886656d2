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

/// A key of the policy's Secret; an error when it is missing. The value appears nowhere else.
std::optional<std::string> secret_value(compile_state& state, const backend_security_policy& policy,
                                        const config::secret_key_ref& ref, const std::string& field,
                                        const std::string& key) {
  if (!ref.name.is_written) return std::nullopt;
  const auto& space = policy.header.name_space;
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

std::string_view region_of(const config::backend_object& object) {
  for (const auto& endpoint : object.endpoints) {
    const auto& host =
        endpoint.hostname.value.empty() ? endpoint.host.value : endpoint.hostname.value;
    if (const auto region = region_of_host(host); !region.empty()) return region;
  }
  return {};
}

}  // namespace

credential compile_credential(compile_state& state, const ref_context& ref,
                              const config::object_header& service, translate::schema schema,
                              const config::backend_object& object) {
  const auto* policy = policy_of(state, service);
  if (policy != nullptr) {
    if (policy->type.value != "AWSCredentials") return key_credential(state, *policy);
    if (!policy->aws) return {};
    aws_credential out;
    out.region = policy->aws->region.value;
    out.profile = policy->aws->profile.value;
    if (policy->aws->credentials_file)
      out.ini = secret_value(state, *policy, *policy->aws->credentials_file,
                             "spec.awsCredentials.credentialsFile.secretRef.name", "credentials")
                    .value_or("");
    return out;
  }
  if (schema != translate::schema::aws_bedrock && schema != translate::schema::aws_anthropic &&
      schema != translate::schema::aws_openai)
    return {};
  const auto region = region_of(object);
  state.say.info(ref.at, ref.route, ref.field,
                 "no BackendSecurityPolicy for `" + service.name +
                     "`: requests are signed with the standard AWS credential chain" +
                     (region.empty() ? "" : ", region " + std::string{region}));
  return aws_credential{.region = std::string{region}, .ini = {}};
}

}  // namespace understudy::plan
