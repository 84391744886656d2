#include "config/cost_fields.hpp"
#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

static void read_fields(object_reader& in, ai_backend_ref& out) {
  out.at = in.at();
  in.text("name", out.name,
          {.is_required = true,
           .hint = "the name of an AIServiceBackend or Backend",
           .check = check_object_name});
  in.text("namespace", out.name_space, {.check = check_label, .is_empty_allowed = true});
  in.number("weight", out.weight, {.max = 1'000'000});
  in.number("priority", out.priority, {.max = 127});
  in.text("modelNameOverride", out.model_name_override, {.is_empty_allowed = true});
  in.into("headerMutation", out.headers);
  in.into("bodyMutation", out.body);

  located<std::string> group, kind;
  in.text("group", group, {.is_empty_allowed = true});
  in.text("kind", kind, {.is_empty_allowed = true});
  if (kind.value.empty() || kind.value == "AIServiceBackend") return;
  in.error(kind.at, "kind",
           kind.value == "InferencePool"
               ? "an InferencePool exists only in Kubernetes; name an AIServiceBackend or a Backend"
               : "a backendRef names no kind here; leave `group` and `kind` out: the name of an "
                 "AIServiceBackend or, without one, of a Backend is enough");
  out.name.is_written = false;  // told: the name is no reference of ours
}

static void read_fields(object_reader& in, ai_route_match& out) {
  in.list("headers",
          [&](object_reader& item) { read_header_match(item, out.headers.emplace_back()); },
          {.max = 16});
  check_unique_names(in, "headers", out.headers);
  for (const auto key : {"path", "method", "queryParams"})
    in.refused(key, "an AIGatewayRoute matches headers only; use an HTTPRoute for the rest");
}

static void read_fields(object_reader& in, route_timeouts& out) {
  in.duration("request", out.request);
  in.duration("backendRequest", out.backend_request);
  if (out.request.is_written && out.backend_request.is_written && out.request.value.count() > 0 &&
      out.backend_request.value > out.request.value)
    in.error(out.backend_request.at, "backendRequest",
             "is longer than `request`; write at most that");
}

static void read_created_at(object_reader& in, located<std::int64_t>& out) {
  located<std::string> text;
  if (!in.text("modelsCreatedAt", text)) return;
  const auto parsed = parse_rfc3339(text.value);
  if (!parsed) {
    in.error(text.at, "modelsCreatedAt",
             "is no RFC 3339 time; write one as in `2026-01-31T12:00:00Z`");
    return;
  }
  out.value = *parsed;
  out.at = text.at;
  out.is_written = true;
}

static void read_fields(object_reader& in, ai_route_rule& out) {
  out.at = in.at();
  in.text("name", out.name, {.check = check_object_name});
  if (out.name.value == "route-not-found")
    in.error(out.name.at, "name", "`route-not-found` is reserved; choose another name");
  in.into("matches", out.matches, {.max = 128});
  in.into("backendRefs", out.backends, {.max = 128});
  in.into("timeouts", out.timeouts);
  in.duration("streamIdleTimeout", out.stream_idle_timeout);
  in.text("modelsOwnedBy", out.models_owned_by);
  read_created_at(in, out.models_created_at);
}

static void check_rule_names(object_reader& in, const std::vector<ai_route_rule>& rules) {
  for (std::size_t i = 1; i < rules.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!rules[i].name.value.empty() && rules[i].name.value == rules[j].name.value) {
        in.error(rules[i].name.at, "rules",
                 "rule name `" + rules[i].name.value + "` is used twice; choose another");
        break;
      }
}

static void read_older_fields(object_reader& spec, ai_gateway_route& out) {
  if (out.header.version != "v1alpha1") {
    spec.refused("schema", "v1beta1 has no `schema`: every client API is served; remove it");
    spec.refused("targetRefs", "v1beta1 has no `targetRefs`; write `parentRefs`");
    return;
  }
  spec.object("schema", [&](object_reader& in) {
    static constexpr std::array<std::string_view, 1> client_schemas{"OpenAI"};
    located<std::string> unused;
    in.text("name", out.schema,
            {.is_required = true, .hint = "`OpenAI`", .choices = client_schemas});
    in.text("version", unused, {.is_empty_allowed = true});
    in.text("prefix", unused, {.is_empty_allowed = true});
  });
  spec.not_acting({"filterConfig"});
  read_parents(spec, "targetRefs", out.parents);
}

object_header& read_ai_gateway_route(object_reader& root, object_header header,
                                     kind_context& context) {
  auto& out = context.out.ai_routes.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_parents(spec, "parentRefs", out.parents);
        read_older_fields(spec, out);
        read_hostnames(spec, out.hostnames);
        spec.into("rules", out.rules,
                  {.is_required = true, .min = 1, .max = 15, .hint = "at least one rule"});
        check_rule_names(spec, out.rules);
        read_costs(spec, "llmRequestCosts", out.costs);
      },
      true);
  return out.header;
}

}  // namespace understudy::config
