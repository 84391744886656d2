#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

constexpr std::array<std::string_view, 9> methods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                  "CONNECT", "OPTIONS", "TRACE", "PATCH"};

static void read_fields(object_reader& in, http_path_match& out) {
  static constexpr std::array<std::string_view, 3> types{"Exact", "PathPrefix",
                                                         "RegularExpression"};
  in.text("type", out.type, {.choices = types});
  in.text(
      "value", out.value,
      {.max_length = 1024, .check = out.type.value == "RegularExpression" ? nullptr : check_path});
}

static void read_fields(object_reader& in, http_match& out) {
  in.into("path", out.path);
  in.list("headers",
          [&](object_reader& item) { read_header_match(item, out.headers.emplace_back()); },
          {.max = 16});
  check_unique_names(in, "headers", out.headers);
  in.list("queryParams",
          [&](object_reader& item) { read_header_match(item, out.query.emplace_back()); },
          {.max = 16});
  in.text("method", out.method, {.choices = methods});
}

static void read_header_filter(object_reader& in, http_header_filter& out) {
  in.list("set",
          [&](object_reader& item) {
            auto& pair = out.set.emplace_back();
            item.text(
                "name", pair.name,
                {.is_required = true, .hint = "the header's name", .check = check_header_name});
            item.text("value", pair.value, {.is_empty_allowed = true});
          },
          {.max = 16});
  in.texts("remove", out.remove, {.max = 16}, {.check = check_header_name});
  in.not_acting({"add"});
}

static void read_filter(object_reader& in, http_rule& out) {
  static constexpr std::array<std::string_view, 8> types{"RequestHeaderModifier",
                                                         "ResponseHeaderModifier",
                                                         "RequestMirror",
                                                         "RequestRedirect",
                                                         "URLRewrite",
                                                         "ExtensionRef",
                                                         "CORS",
                                                         "ExternalAuth"};
  located<std::string> type;
  in.text("type", type, {.is_required = true, .hint = "`RequestHeaderModifier`", .choices = types});
  in.object("requestHeaderModifier",
            [&](object_reader& f) { read_header_filter(f, out.request_headers); });
  in.object("responseHeaderModifier",
            [&](object_reader& f) { read_header_filter(f, out.response_headers); });
  in.harmless(
      {"requestMirror", "requestRedirect", "urlRewrite", "extensionRef", "cors", "externalAuth"});
  if (type.is_written && !type.value.ends_with("HeaderModifier"))
    in.warning(type.at, "type", "filter `" + type.value + "` does not act yet; it is ignored");
}

static void read_fields(object_reader& in, http_backend_ref& out) {
  out.at = in.at();
  in.text("group", out.group, {.is_empty_allowed = true});
  in.text("kind", out.kind);
  in.text("name", out.name,
          {.is_required = true, .hint = "the name of a Backend", .check = check_object_name});
  in.text("namespace", out.name_space, {.check = check_label});
  in.number("weight", out.weight, {.max = 1'000'000});
  in.not_acting({"filters"});
  in.harmless({"port"});  // a Backend's endpoints carry their own
  if (out.kind.value != "Backend" || out.group.value != envoy_group)
    in.error(out.kind.is_written ? out.kind.at : in.at(), "kind",
             "`" + out.kind.value +
                 "` has no addresses outside Kubernetes; write `group: gateway.envoyproxy.io` and "
                 "`kind: Backend`");
}

static void read_fields(object_reader& in, http_retry& out) {
  out.at = in.at();
  in.number("attempts", out.attempts);
  in.numbers("codes", out.codes, {.min = 400, .max = 599});
  in.duration("backoff", out.backoff, {.is_zero_allowed = false});
}

static void read_fields(object_reader& in, session_persistence_spec& out) {
  static constexpr std::array<std::string_view, 2> types{"Cookie", "Header"};
  static constexpr std::array<std::string_view, 2> lifetimes{"Session", "Permanent"};
  out.at = in.at();
  in.text("sessionName", out.name, {.max_length = 128, .check = check_header_name});
  in.text("type", out.type, {.choices = types});
  in.duration("absoluteTimeout", out.absolute_timeout, {.is_zero_allowed = false});
  in.not_acting({"idleTimeout"});
  in.object("cookieConfig", [&](object_reader& cookie) {
    cookie.text("lifetimeType", out.lifetime, {.choices = lifetimes});
  });
  if (out.lifetime.value == "Permanent" && !out.absolute_timeout.is_written)
    in.error(out.lifetime.at, "absoluteTimeout",
             "is missing; a permanent cookie needs `absoluteTimeout: 24h`");
}

static void read_fields(object_reader& in, http_rule& out) {
  out.at = in.at();
  in.text("name", out.name, {.check = check_object_name});
  in.into("matches", out.matches, {.max = 64});
  in.list("filters", [&](object_reader& filter) { read_filter(filter, out); }, {.max = 16});
  in.into("backendRefs", out.backends, {.max = 16});
  in.object("timeouts", [&](object_reader& timeouts) {
    timeouts.duration("request", out.request);
    timeouts.duration("backendRequest", out.backend_request);
  });
  in.into("retry", out.retry);
  in.into("sessionPersistence", out.session);
}

object_header& read_http_route(object_reader& root, object_header header, kind_context& context) {
  auto& out = context.out.http_routes.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_parents(spec, "parentRefs", out.parents);
        read_hostnames(spec, out.hostnames);
        spec.into("rules", out.rules, {.max = 16});
        spec.not_acting({"useDefaultGateways"});
        if (out.rules.empty() && !spec.has("rules")) out.rules.emplace_back().at = spec.at();
      },
      true);
  return out.header;
}

}  // namespace understudy::config
