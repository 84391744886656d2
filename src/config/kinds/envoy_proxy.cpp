#include "config/kinds.hpp"

namespace understudy::config {
namespace {

void read_format(object_reader& in, access_log_setting& out) {
  static constexpr std::array<std::string_view, 2> types{"Text", "JSON"};
  out.has_format = true;
  in.text("type", out.type, {.choices = types});
  in.text("text", out.text, {.max_length = 8192, .is_empty_allowed = true});
  in.text_map("json", out.json);
  if (!out.type.is_written) out.type.value = out.text.is_written ? "Text" : "JSON";
  if (out.type.value == "Text" && !out.text.is_written)
    in.error(in.at(), "text",
             "type Text needs it; write a line with commands as `%RESPONSE_CODE%`");
  if (out.type.value == "JSON" && out.json.empty())
    in.error(in.at(), "json", "type JSON needs it; write members with commands");
}

void read_sink(object_reader& in, access_log_setting& out) {
  static constexpr std::array<std::string_view, 3> types{"File", "OpenTelemetry", "ALS"};
  located<std::string> type;
  in.text("type", type, {.is_required = true, .hint = "`File`", .choices = types});
  if (type.is_written && type.value != "File")
    in.warning(type.at, "type", "`" + type.value + "` does not act yet; write a File");
  in.object("file", [&](object_reader& file) {
    file.text("path", out.files.emplace_back(),
              {.is_required = true, .hint = "a file, or `/dev/stdout`", .max_length = 4096});
  });
  in.harmless({"openTelemetry", "als"});
  if (type.value == "File" && out.files.empty())
    in.error(in.at(), "file", "a File needs its `file: {path: …}`");
}

void read_setting(object_reader& in, access_log_setting& out) {
  out.at = in.at();
  in.object("format", [&](object_reader& format) { read_format(format, out); });
  in.list("sinks", [&](object_reader& sink) { read_sink(sink, out); },
          {.is_required = true, .min = 1, .max = 50, .hint = "at least one sink"});
  in.not_acting({"matches"});
  in.harmless({"type"});
}

void read_access_log(object_reader& in, envoy_proxy& out) {
  out.has_access_log = true;
  in.boolean("disable", out.is_disabled);
  in.list("settings",
          [&](object_reader& item) { read_setting(item, out.access_logs.emplace_back()); },
          {.max = 50});
}

}  // namespace

// CRD: api/v1alpha1/envoyproxy_types.go, accesslogging_types.go of envoyproxy/gateway.
object_header& read_envoy_proxy(object_reader& root, object_header header, kind_context& context) {
  auto& out = context.out.envoy_proxies.emplace_back();
  out.header = std::move(header);
  root.object("spec", [&](object_reader& spec) {
    spec.object("telemetry", [&](object_reader& telemetry) {
      telemetry.object("accessLog", [&](object_reader& in) { read_access_log(in, out); });
      telemetry.not_acting({"tracing"});
      telemetry.harmless({"metrics", "requestID"});
    });
    spec.harmless({"provider", "logging", "bootstrap", "concurrency", "routingType", "extraArgs",
                   "mergeGateways", "mergeType", "shutdown", "filterOrder", "backendTLS",
                   "ipFamily", "preserveRouteOrder", "luaValidation", "dynamicModules", "geoIP"});
  });
  return out.header;
}

}  // namespace understudy::config
