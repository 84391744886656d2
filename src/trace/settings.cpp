#include <understudy/trace/settings.hpp>

#include <algorithm>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/framing.hpp>

#include "trace/variables.hpp"

namespace understudy::trace {
namespace {

constexpr std::string_view default_endpoint = "http://localhost:4318";

/// OTEL_TRACES_EXPORTER, or what an endpoint implies (spec/gateway-config.md §5.2).
void read_exporters(variables& from, settings& out) {
  const auto list = from.text("OTEL_TRACES_EXPORTER");
  if (list.empty()) {
    out.to_otlp =
        !from.first_of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT").empty();
    return;
  }
  for (const auto name : split(list, ',')) {
    if (name == "otlp") {
      out.to_otlp = true;
    } else if (name == "console" || name == "logging") {
      out.to_console = true;
    } else if (name != "none") {
      from.warn("OTEL_TRACES_EXPORTER: `" + std::string{name} +
                "` is not known here; write otlp, console or none");
    }
  }
}

void read_endpoint(variables& from, settings& out) {
  out.endpoint = from.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (!out.endpoint.empty()) return;
  out.endpoint = from.text("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (out.endpoint.empty()) out.endpoint = default_endpoint;
  if (!out.endpoint.ends_with('/')) out.endpoint += '/';
  out.endpoint += "v1/traces";
}

void read_headers(variables& from, settings& out) {
  constexpr auto specific = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
  constexpr auto general = "OTEL_EXPORTER_OTLP_HEADERS";
  const auto name = from.text(specific).empty() ? general : specific;
  for (auto& [key, value] : from.pairs(name, from.text(name))) {
    if (!codec::is_token(key) || !codec::is_field_value(value)) {
      from.warn(std::string{name} + ": an item is no header field and is left out");
      continue;
    }
    out.headers.push_back({base::lower(key), std::move(value)});
  }
}

void read_otlp(variables& from, settings& out) {
  read_endpoint(from, out);
  read_headers(from, out);
  const auto protocol =
      from.first_of("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (protocol == "http/json") {
    out.protocol = otlp_protocol::http_json;
  } else if (!protocol.empty() && protocol != "http/protobuf") {
    from.warn("OTEL_EXPORTER_OTLP_PROTOCOL: `" + protocol +
              "` is not spoken here; http/protobuf is used (a collector takes it at port 4318)");
  }
  const auto compression =
      from.first_of("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION");
  out.is_compressed = compression == "gzip";
  if (!compression.empty() && compression != "gzip" && compression != "none")
    from.warn("OTEL_EXPORTER_OTLP_COMPRESSION: `" + compression + "` is neither gzip nor none");
  if (from.text("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").empty())
    from.read("OTEL_EXPORTER_OTLP_TIMEOUT", out.timeout);
  else
    from.read("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", out.timeout);
  for (const auto name :
       {"OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"})
    if (!from.text(name).empty())
      from.warn(std::string{name} + " has no effect: the collector is verified against the " +
                "system's authorities (SSL_CERT_FILE names others)");
}

void read_resource(variables& from, settings& out) {
  constexpr auto name = "OTEL_RESOURCE_ATTRIBUTES";
  auto& all = out.resource;
  const auto set = [&](const std::string& key, std::string value) {
    const auto known = std::ranges::find(all, key, &std::pair<std::string, std::string>::first);
    if (known != all.end()) {
      known->second = std::move(value);
    } else {
      all.emplace_back(key, std::move(value));
    }
  };
  set("service.name", "ai-gateway");
  set("service.version", out.scope_version);
  for (auto& [key, value] : from.pairs(name, from.text(name))) set(key, std::move(value));
  if (auto service = from.text("OTEL_SERVICE_NAME"); !service.empty())
    set("service.name", std::move(service));
  set("telemetry.sdk.name", "understudy");
  set("telemetry.sdk.language", "cpp");
  set("telemetry.sdk.version", out.scope_version);
}

void read_sampler(variables& from, settings& out) {
  auto name = from.text("OTEL_TRACES_SAMPLER");
  if (name.empty()) return;
  double ratio = 1.0;
  if (is_by_ratio(name)) ratio = from.ratio("OTEL_TRACES_SAMPLER_ARG").value_or(1.0);
  const auto found = sampler_named(name, ratio);
  if (found) {
    out.sampling = *found;
  } else {
    from.warn("OTEL_TRACES_SAMPLER: `" + name +
              "` is not known here; write [parentbased_]always_on, [parentbased_]always_off or "
              "[parentbased_]traceidratio. parentbased_always_on holds");
  }
}

void read_propagators(variables& from, settings& out) {
  const auto list = from.text("OTEL_PROPAGATORS");
  if (list.empty()) return;
  out.formats.clear();
  for (const auto name : split(list, ',')) {
    if (name == "baggage" || name == "none") continue;
    const auto found = propagator_named(name);
    if (!found) {
      from.warn("OTEL_PROPAGATORS: `" + std::string{name} +
                "` is not known here; write tracecontext, baggage, b3, b3multi, jaeger or none");
    } else if (std::ranges::find(out.formats, *found) == out.formats.end()) {
      out.formats.push_back(*found);
    }
  }
}

void read_batches(variables& from, settings& out) {
  from.read("OTEL_BSP_SCHEDULE_DELAY", out.schedule_delay);
  from.read("OTEL_BSP_EXPORT_TIMEOUT", out.export_timeout);
  from.read("OTEL_BSP_MAX_QUEUE_SIZE", out.max_queue_spans);
  from.read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", out.max_batch_spans);
  out.max_batch_spans = std::min(out.max_batch_spans, out.max_queue_spans);
  constexpr std::chrono::milliseconds shortest_delay{10};
  out.schedule_delay = std::max(out.schedule_delay, shortest_delay);
  from.read("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", out.max_value_bytes);
  from.read("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", out.max_value_bytes);
}

void read_content(variables& from, settings& out) {
  auto& c = out.content;
  const bool is_asked_for = from.flag("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT");
  c.has_inputs = c.has_outputs = is_asked_for;
  if (out.names != convention::openinference) return;
  const auto inputs = from.written_flag("OPENINFERENCE_HIDE_INPUTS");
  const auto outputs = from.written_flag("OPENINFERENCE_HIDE_OUTPUTS");
  c.has_inputs = inputs ? true : is_asked_for;  // written either way: shown, or shown to be hidden
  c.has_outputs = outputs ? true : is_asked_for;
  c.hides_inputs = inputs.value_or(false);
  c.hides_outputs = outputs.value_or(false);
  c.hides_input_messages = from.flag("OPENINFERENCE_HIDE_INPUT_MESSAGES");
  c.hides_output_messages = from.flag("OPENINFERENCE_HIDE_OUTPUT_MESSAGES");
  c.hides_input_text = from.flag("OPENINFERENCE_HIDE_INPUT_TEXT");
  c.hides_output_text = from.flag("OPENINFERENCE_HIDE_OUTPUT_TEXT");
  c.hides_parameters = from.flag("OPENINFERENCE_HIDE_LLM_INVOCATION_PARAMETERS");
  if (from.flag("OPENINFERENCE_HIDE_PROMPTS")) c.hides_inputs = true;
  if (from.flag("OPENINFERENCE_HIDE_CHOICES")) c.hides_outputs = true;
}

}  // namespace

settings_result read_settings(const environment& look_up, std::string_view version) {
  settings_result result;
  variables from{look_up, result.warnings};
  settings out;
  out.scope_version = version;
  const auto names = from.text("AI_GATEWAY_TRACING_SEMCONV");
  if (names == "gen_ai") {
    out.names = convention::gen_ai;
  } else if (!names.empty() && names != "openinference") {
    result.error =
        "AI_GATEWAY_TRACING_SEMCONV: `" + names + "` is neither openinference nor gen_ai";
    return result;
  }
  if (from.flag("OTEL_SDK_DISABLED")) return result;
  read_exporters(from, out);
  if (!out.to_otlp && !out.to_console) return result;
  if (out.to_otlp) read_otlp(from, out);
  read_resource(from, out);
  read_sampler(from, out);
  read_propagators(from, out);
  read_batches(from, out);
  read_content(from, out);
  auto mapped = telemetry::read_header_attributes(look_up, telemetry::signal_kind::spans);
  out.header_attributes = std::move(mapped.all);
  result.error = std::move(mapped.error);
  if (result.error.empty()) result.on = std::move(out);
  return result;
}

}  // namespace understudy::trace
