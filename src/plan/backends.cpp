#include "plan/backends.hpp"

#include <algorithm>

#include <understudy/base/ascii.hpp>

namespace understudy::plan {
namespace {

target compile_target(const config::backend_endpoint& endpoint) {
  target out;
  out.kind = endpoint.kind == config::endpoint_kind::fqdn ? target_kind::fqdn
             : endpoint.kind == config::endpoint_kind::ip ? target_kind::ip
                                                          : target_kind::unix_socket;
  out.host = endpoint.host.value;
  if (out.kind == target_kind::fqdn) {
    out.host = base::lower(out.host);
    if (out.host.ends_with('.')) out.host.pop_back();
    out.hostname = out.host;
  }
  if (!endpoint.hostname.value.empty()) out.hostname = endpoint.hostname.value;
  out.port = endpoint.port.value;
  return out;
}

void add_targets(compile_state& state, const config::backend_object& object, backend& out) {
  for (const auto& endpoint : object.endpoints) out.targets.push_back(compile_target(endpoint));
  out.tls = compile_tls(state, object);
}

/// Priority as written on the ref, else `fallback: true` of the Backend puts it one below.
std::uint32_t priority_of(const config::located<std::uint32_t>& written,
                          const config::backend_object& object) {
  if (written.is_written) return written.value;
  return object.fallback.value ? 1 : 0;
}

/// Schemas whose paths need `schema.version` (spec/gateway-config.md §1.3).
void lint_version(compile_state& state, const config::ai_service_backend& service) {
  const auto& schema = service.schema.name.value;
  if (service.header.is_broken || !service.schema.version.value.empty()) return;
  if (schema == "AzureOpenAI")
    state.say.warning(service.schema.name.at, service.header, "spec.schema.version",
                      "not written: requests carry no `api-version`; write it, as in `2024-10-21`");
}

/// The Backend of an AIServiceBackend; null after an error.
const config::backend_object* backend_of(compile_state& state,
                                         const config::ai_service_backend& service) {
  const auto& ref = service.backend;
  const auto& space = ref.name_space.is_written ? ref.name_space.value : service.header.name_space;
  if (const auto* found = find_object(state.in.backends, space, ref.name.value)) {
    if (is_granted(state.in, "HTTPRoute", service.header.name_space, "Backend", space) ||
        is_granted(state.in, "AIServiceBackend", service.header.name_space, "Backend", space))
      return found;
    state.say.error(ref.name_space.at, service.header, "spec.backendRef.namespace",
                    "no ReferenceGrant in `" + space + "` lets HTTPRoutes of `" +
                        service.header.name_space + "` refer to Backends; add one");
    return nullptr;
  }
  if (!state.in.is_incomplete && ref.name.is_written)
    state.say.error(
        ref.name.at, service.header, "spec.backendRef.name",
        "no Backend `" + space + "/" + ref.name.value + "`; " +
            remedy(ref.name.value, names_in(space, state.in.backends), "add one of that name"));
  return nullptr;
}

void use_service(compile_state& state, const ref_context& ref,
                 const config::ai_service_backend& service, const config::ai_backend_ref& written,
                 const config::backend_object& object, backend& out) {
  lint_version(state, service);
  out.schema =
      translate::schema_named(service.schema.name.value).value_or(translate::schema::openai);
  if (!service.schema.prefix.value.empty())
    out.prefix = service.schema.prefix.value;
  else if (out.schema == translate::schema::aws_openai)
    out.prefix = "openai/v1";  // where Bedrock's runtime hosts have OpenAI's API
  out.version = service.schema.version.value;
  out.operations = compile_operations(state, service.header);
  out.headers = merge_headers(written.headers, service.headers);
  out.body = merge_bodies(written.body, service.body);
  compile_credential(state, ref, service.header, object, out);
}

/// No AIServiceBackend of that name: the Backend itself, its schema from its host name.
void use_backend(compile_state& state, const ref_context& ref,
                 const config::ai_gateway_route& route, const config::ai_backend_ref& written,
                 const config::backend_object& object, backend& out) {
  std::string_view name;
  std::string host;
  for (const auto& endpoint : object.endpoints) {
    host = endpoint.hostname.value.empty() ? endpoint.host.value : endpoint.hostname.value;
    if (name = schema_of_host(host); !name.empty()) break;
  }
  const bool is_known = !name.empty();
  if (!is_known) name = route.schema.value;
  state.say.info(written.name.at, ref.route, ref.field + ".name",
                 "no AIServiceBackend `" + written.name.value +
                     "`: the Backend of that name is used, with schema " + std::string{name} +
                     (is_known ? " as `" + host + "` tells" : ", the route's"));
  out.schema = translate::schema_named(name).value_or(translate::schema::openai);
  if (out.schema == translate::schema::azure_openai)
    state.say.warning(written.name.at, ref.route, ref.field + ".name",
                      "AzureOpenAI needs an `api-version`; write an AIServiceBackend with "
                      "`schema.version`");
  out.headers = merge_headers(written.headers, std::nullopt);
  out.body = merge_bodies(written.body, std::nullopt);
  compile_credential(state, ref, object.header, object, out);
}

}  // namespace

std::string_view region_of_host(std::string_view host) {
  for (const std::string_view prefix : {"bedrock-runtime.", "bedrock-runtime-fips."}) {
    auto rest = host;
    const auto found = rest.find(prefix);
    if (found == std::string_view::npos || (found > 0 && rest[found - 1] != '.')) continue;
    rest.remove_prefix(found + prefix.size());
    for (const std::string_view suffix : {".vpce.amazonaws.com", ".amazonaws.com", ".api.aws"}) {
      if (!rest.ends_with(suffix)) continue;
      const auto region = rest.substr(0, rest.size() - suffix.size());
      if (!region.empty() && region.find('.') == std::string_view::npos) return region;
    }
  }
  return {};
}

std::string_view schema_of_host(std::string_view host) {
  const auto lower = base::lower(host);
  const auto is_below = [&](std::string_view suffix) {
    return lower.size() > suffix.size() && lower.ends_with(suffix);
  };
  if (!region_of_host(lower).empty()) return "AWSBedrock";
  if (is_below(".openai.azure.com")) return "AzureOpenAI";
  if (lower == "api.anthropic.com") return "Anthropic";
  if (is_below("-aiplatform.googleapis.com")) return "GCPVertexAI";
  if (lower == "api.cohere.com") return "Cohere";
  return {};
}

std::optional<backend> compile_backend(compile_state& state, const ref_context& ref,
                                       const config::ai_gateway_route& route,
                                       const config::ai_backend_ref& written) {
  const auto& space =
      written.name_space.value.empty() ? route.header.name_space : written.name_space.value;
  const auto& name = written.name.value;
  const auto* service = find_object(state.in.ai_backends, space, name);
  const auto* object = service != nullptr ? backend_of(state, *service)
                                          : find_object(state.in.backends, space, name);
  if (service == nullptr && object == nullptr && !state.in.is_incomplete)
    state.say.error(written.name.at, ref.route, ref.field + ".name",
                    "no AIServiceBackend and no Backend `" + space + "/" + name + "`; " +
                        remedy(name, names_in(space, state.in.ai_backends, state.in.backends),
                               "add one of that name"));
  if (object == nullptr) return std::nullopt;
  const std::string_view kind = service != nullptr ? "AIServiceBackend" : "Backend";
  if (!is_granted(state.in, "AIGatewayRoute", route.header.name_space, kind, space)) {
    state.say.error(written.name_space.at, ref.route, ref.field + ".namespace",
                    "no ReferenceGrant in `" + space + "` lets AIGatewayRoutes of `" +
                        route.header.name_space + "` refer to " + std::string{kind} + "s; add one");
    return std::nullopt;
  }
  backend out;
  out.name = name;
  out.backend_namespace = space;
  out.priority = priority_of(written.priority, *object);
  out.weight = written.weight.value;
  out.model_override = written.model_name_override.value;
  out.position = place(written.at);
  add_targets(state, *object, out);
  if (service != nullptr)
    use_service(state, ref, *service, written, *object, out);
  else
    use_backend(state, ref, route, written, *object, out);
  return out;
}

std::optional<backend> compile_backend(compile_state& state, const ref_context& ref,
                                       const config::http_backend_ref& written) {
  const auto& space =
      written.name_space.is_written ? written.name_space.value : ref.route.name_space;
  const auto* object = find_object(state.in.backends, space, written.name.value);
  if (object == nullptr) {
    if (!state.in.is_incomplete)
      state.say.error(written.name.at, ref.route, ref.field + ".name",
                      "no Backend `" + space + "/" + written.name.value + "`; " +
                          remedy(written.name.value, names_in(space, state.in.backends),
                                 "add one of that name"));
    return std::nullopt;
  }
  if (!is_granted(state.in, "HTTPRoute", ref.route.name_space, "Backend", space)) {
    state.say.error(written.name_space.at, ref.route, ref.field + ".namespace",
                    "no ReferenceGrant in `" + space + "` lets HTTPRoutes of `" +
                        ref.route.name_space + "` refer to Backends; add one");
    return std::nullopt;
  }
  backend out;
  out.name = written.name.value;
  out.backend_namespace = space;
  out.priority = object->fallback.value ? 1 : 0;
  out.weight = written.weight.value;
  out.position = place(written.at);
  add_targets(state, *object, out);
  return out;
}

}  // namespace understudy::plan
