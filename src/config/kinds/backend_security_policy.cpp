#include <algorithm>

#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

struct credential_type {
  std::string_view type;
  std::string_view field;
  acts when;
};
constexpr std::array<credential_type, 6> types{{
    {"APIKey", "apiKey", acts::now},
    {"AWSCredentials", "awsCredentials", acts::now},
    {"AzureAPIKey", "azureAPIKey", acts::now},
    {"AnthropicAPIKey", "anthropicAPIKey", acts::now},
    {"AzureCredentials", "azureCredentials", acts::not_yet},
    {"GCPCredentials", "gcpCredentials", acts::not_yet},
}};
constexpr std::array<std::string_view, 6> type_names{types[0].type, types[1].type, types[2].type,
                                                     types[3].type, types[4].type, types[5].type};

static void read_fields(object_reader& in, secret_key_ref& out) {
  object_ref ref;
  static constexpr std::array<std::string_view, 1> secret_only{"Secret"};
  read_certificate_ref(in, ref, secret_only);
  out.name = ref.name;
  out.at = ref.name.is_written ? ref.name.at : in.at();
}

static void read_key(object_reader& in, backend_security_policy& out) {
  in.into("secretRef", out.key, true, "`secretRef: {name: …}`");
}

static void read_fields(object_reader& in, aws_credentials_spec& out) {
  in.text("region", out.region, {.is_required = true, .hint = "a region as in `us-east-1`"});
  in.object("credentialsFile", [&](object_reader& file) {
    file.into("secretRef", out.credentials_file, true, "`secretRef: {name: …}`");
    file.text("profile", out.profile);
  });
  in.refused("oidcExchangeToken",
             "token exchange is not supported; use `credentialsFile` or the standard AWS chain");
}

static void read_credential(object_reader& spec, backend_security_policy& out) {
  for (const auto& t : types) {
    if (t.type == out.type.value) continue;
    if (spec.has(t.field) && out.type.is_written)
      spec.refused(t.field,
                   "does not belong to type " + out.type.value + "; write only its own field");
    else
      spec.harmless({t.field});
  }
  const auto chosen = std::ranges::find(types, out.type.value, &credential_type::type);
  if (chosen == types.end()) return;
  if (chosen->when == acts::not_yet) {
    spec.warning(out.type.at, "type",
                 "`" + out.type.value +
                     "` does not act yet; requests to its backends go out without credentials");
    spec.harmless({chosen->field});
  } else if (chosen->type == "AWSCredentials") {
    spec.into("awsCredentials", out.aws, true, "`awsCredentials: {region: …}`");
  } else {
    spec.object(
        chosen->field, [&](object_reader& in) { read_key(in, out); }, true,
        "the field of the chosen type");
  }
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
        spec.not_acting({"credentialOverride"});
      },
      true);
  return out.header;
}

}  // namespace understudy::config
