#include <algorithm>

#include "config/credential_parts.hpp"
#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

struct credential_type {
  std::string_view type;
  std::string_view field;
};
constexpr std::array<credential_type, 6> types{{
    {"APIKey", "apiKey"},
    {"AWSCredentials", "awsCredentials"},
    {"AzureAPIKey", "azureAPIKey"},
    {"AnthropicAPIKey", "anthropicAPIKey"},
    {"AzureCredentials", "azureCredentials"},
    {"GCPCredentials", "gcpCredentials"},
}};
constexpr std::array<std::string_view, 6> type_names{types[0].type, types[1].type, types[2].type,
                                                     types[3].type, types[4].type, types[5].type};

static void read_form(object_reader& spec, backend_security_policy& out,
                      const credential_type& chosen) {
  if (chosen.type == "AWSCredentials")
    spec.into("awsCredentials", out.aws, true, "`awsCredentials: {region: …}`");
  else if (chosen.type == "AzureCredentials")
    spec.into("azureCredentials", out.azure, true,
              "`azureCredentials: {tenantID: …, clientID: …, clientSecretRef: …}`");
  else if (chosen.type == "GCPCredentials")
    spec.into("gcpCredentials", out.gcp, true, "`gcpCredentials: {projectName: …, region: …}`");
  else
    spec.object(
        chosen.field,
        [&](object_reader& in) { in.into("secretRef", out.key, true, "`secretRef: {name: …}`"); },
        true, "the field of the chosen type");
}

static void read_credential(object_reader& spec, backend_security_policy& out) {
  if (spec.is_noting()) {
    for (const auto& t : types) read_form(spec, out, t);
    return;
  }
  for (const auto& t : types) {
    if (t.type == out.type.value) continue;
    if (spec.has(t.field) && out.type.is_written)
      spec.refused(t.field,
                   "does not belong to type " + out.type.value + "; write only its own field");
    else
      spec.harmless({t.field});
  }
  const auto chosen = std::ranges::find(types, out.type.value, &credential_type::type);
  if (chosen != types.end()) read_form(spec, out, *chosen);
}

static void read_override(object_reader& spec, backend_security_policy& out) {
  spec.object("credentialOverride", [&](object_reader& in) {
    in.refused("fromDynamicMetadata",
               "needs Envoy's dynamic metadata, which is not there; use `fromRequestHeaders`");
    const bool is_told = in.has("fromDynamicMetadata");
    in.into("fromRequestHeaders", out.from_request, !is_told, "`fromRequestHeaders: {}`");
  });
}

object_header& read_backend_security_policy(object_reader& root, object_header header,
                                            kind_context& context) {
  static constexpr std::array<target_kind_name, 2> targets{
      {{"AIServiceBackend", ai_group}, {"InferencePool", "inference.networking.k8s.io"}}};
  auto& out = context.out.security_policies.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_targets(spec, targets, out.targets);
        spec.text("type", out.type,
                  {.is_required = true, .hint = "`APIKey` or another type", .choices = type_names});
        read_credential(spec, out);
        read_override(spec, out);
      },
      true);
  return out.header;
}

}  // namespace understudy::config
