#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

void read_schema(object_reader& in, schema_spec& out) {
  in.text("name", out.name,
          {.is_required = true,
           .hint = "the API the backend speaks, as in `OpenAI`",
           .choices = schema_names});
  in.text("prefix", out.prefix, {.is_empty_allowed = true});
  in.text("version", out.version, {.is_empty_allowed = true});
}

void read_backend_ref(object_reader& in, object_ref& out) {
  located<std::uint16_t> port;
  read_object_ref(in, out);
  in.number("port", port, {.min = 1, .max = 65'535, .when = acts::not_yet});
  if (out.kind.value == "Backend" && out.group.value == envoy_group) return;
  in.error(out.kind.is_written ? out.kind.at : in.at(), "kind",
           "an AIServiceBackend points at a Backend; write `group: gateway.envoyproxy.io` and "
           "`kind: Backend`");
  out.name.is_written = false;  // told: the name is no reference of ours
}

}  // namespace

object_header& read_ai_service_backend(object_reader& root, object_header header,
                                       kind_context& context) {
  auto& out = context.out.ai_backends.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        spec.object(
            "schema", [&](object_reader& in) { read_schema(in, out.schema); }, true,
            "`schema: {name: OpenAI}` or the like");
        spec.object(
            "backendRef", [&](object_reader& in) { read_backend_ref(in, out.backend); }, true,
            "the Backend's `name`, `kind` and `group`");
        spec.into("headerMutation", out.headers);
        spec.into("bodyMutation", out.body);
        spec.not_acting({"timeouts"});
        spec.refused("backendSecurityPolicyRef",
                     "the policy names its backends today; write `targetRefs` in the "
                     "BackendSecurityPolicy");
      },
      true);
  return out.header;
}

}  // namespace understudy::config
