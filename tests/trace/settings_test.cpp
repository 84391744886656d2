#include <understudy/trace/settings.hpp>

#include <map>
#include <string>

#include "catch.hpp"

using namespace understudy::trace;

namespace {

using variables = std::map<std::string, std::string>;

settings_result read(const variables& set) {
  return read_settings(
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = set.find(name);
        if (found == set.end()) return std::nullopt;
        return found->second;
      },
      "1.2.3");
}

settings on(variables set) {
  set.emplace("OTEL_TRACES_EXPORTER", "otlp");
  auto result = read(set);
  INFO(result.error);
  REQUIRE(result.on);
  return *result.on;
}

bool warns(variables set, const std::string& of) {
  set.emplace("OTEL_TRACES_EXPORTER", "otlp");
  const auto result = read(set);
  REQUIRE(result.on);
  return result.warnings.size() == 1 && result.warnings.front().find(of) == 0;
}

std::string resource(const settings& of, const std::string& key) {
  for (const auto& [name, value] : of.resource)
    if (name == key) return value;
  return {};
}

}  // namespace

TEST_CASE("tracing is off unless it is asked for") {
  struct row {
    variables set;
    bool is_otlp, is_console;
  };
  const row rows[] = {
      {{}, false, false},
      {{{"OTEL_TRACES_EXPORTER", "otlp"}}, true, false},
      {{{"OTEL_TRACES_EXPORTER", "console"}}, false, true},
      {{{"OTEL_TRACES_EXPORTER", "otlp, console"}}, true, true},
      {{{"OTEL_TRACES_EXPORTER", ""}}, false, false},
      {{{"OTEL_TRACES_EXPORTER", "zipkin"}}, false, false},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}, true, false},
      {{{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/x"}}, true, false},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}, {"OTEL_TRACES_EXPORTER", "none"}},
       false,
       false},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}, {"OTEL_SDK_DISABLED", "TRUE"}}, false, false},
      {{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}, {"OTEL_SDK_DISABLED", "no"}}, true, false},
  };
  for (const auto& r : rows) {
    const auto result = read(r.set);
    INFO((r.set.empty() ? "" : r.set.begin()->first + "=" + r.set.begin()->second));
    CHECK(result.error.empty());
    CHECK((result.on && result.on->to_otlp) == r.is_otlp);
    CHECK((result.on && result.on->to_console) == r.is_console);
  }
}

TEST_CASE("endpoints: the one for traces as it is, the general one with its path") {
  CHECK(on({}).endpoint == "http://localhost:4318/v1/traces");
  CHECK(on({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/p"}}).endpoint == "https://c/p/v1/traces");
  CHECK(on({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/"}}).endpoint == "https://c/v1/traces");
  CHECK(on({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c"},
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://d:1/"}})
            .endpoint == "http://d:1/");
}

TEST_CASE("the exporter's other variables") {
  const auto s = on({{"OTEL_EXPORTER_OTLP_HEADERS", "x=1"},
                     {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "Api-Key=a%20b%3D, x-y = z ,bad"},
                     {"OTEL_EXPORTER_OTLP_TIMEOUT", "7"},
                     {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"},
                     {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
                     {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                     {"OTEL_BSP_SCHEDULE_DELAY", "100"},
                     {"OTEL_BSP_EXPORT_TIMEOUT", "200"},
                     {"OTEL_BSP_MAX_QUEUE_SIZE", "300"},
                     {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "400"}});
  REQUIRE(s.headers.size() == 2);
  CHECK(s.headers[0] == understudy::codec::owned_field{"api-key", "a b="});
  CHECK(s.headers[1] == understudy::codec::owned_field{"x-y", "z"});
  CHECK(s.timeout == std::chrono::milliseconds{2500});
  CHECK(s.protocol == otlp_protocol::http_json);
  CHECK(s.is_compressed);
  CHECK(s.schedule_delay == std::chrono::milliseconds{100});
  CHECK(s.export_timeout == std::chrono::milliseconds{200});
  CHECK(s.max_queue_spans == 300);
  CHECK(s.max_batch_spans == 300);
}

TEST_CASE("what can't be used is a warning, and never shows a value that may be a key") {
  CHECK(warns({{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}, "OTEL_EXPORTER_OTLP_PROTOCOL: `grpc`"));
  CHECK(warns({{"OTEL_TRACES_SAMPLER", "jaeger_remote"}}, "OTEL_TRACES_SAMPLER"));
  CHECK(warns({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "2"}},
              "OTEL_TRACES_SAMPLER_ARG"));
  CHECK(warns({{"OTEL_PROPAGATORS", "tracecontext,xray"}}, "OTEL_PROPAGATORS: `xray`"));
  CHECK(warns({{"OTEL_BSP_MAX_QUEUE_SIZE", "many"}}, "OTEL_BSP_MAX_QUEUE_SIZE"));
  CHECK(warns({{"OTEL_BSP_MAX_QUEUE_SIZE", "0"}}, "OTEL_BSP_MAX_QUEUE_SIZE"));
  CHECK(warns({{"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"}}, "OTEL_EXPORTER_OTLP_CERTIFICATE"));
  const auto result = read({{"OTEL_TRACES_EXPORTER", "otlp"},
                            {"OTEL_EXPORTER_OTLP_HEADERS", "sk-secret, a=sk-secret%0d%0ax: y"}});
  REQUIRE(result.warnings.size() == 2);
  for (const auto& w : result.warnings) CHECK(w.find("sk-") == std::string::npos);
  CHECK(result.on->headers.empty());
}

TEST_CASE("what must not be mistaken ends the start") {
  CHECK_FALSE(read({{"AI_GATEWAY_TRACING_SEMCONV", "openinfer"}}).error.empty());
  CHECK_FALSE(read({{"OTEL_TRACES_EXPORTER", "otlp"},
                    {"OTEL_AIGW_SPAN_REQUEST_HEADER_ATTRIBUTES", "a:b,,c:d"}})
                  .error.empty());
  CHECK_FALSE(read({{"OTEL_TRACES_EXPORTER", "otlp"}, {"OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES", "a"}})
                  .error.empty());
}

TEST_CASE("the resource") {
  CHECK(resource(on({}), "service.name") == "ai-gateway");
  const auto s = on({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=x,team=a%2Cb,service.version=9"}});
  CHECK(resource(s, "service.name") == "x");
  CHECK(resource(s, "team") == "a,b");
  CHECK(resource(s, "service.version") == "9");
  CHECK(resource(on({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=x"}, {"OTEL_SERVICE_NAME", "y"}}),
                 "service.name") == "y");
}

TEST_CASE("headers that become attributes") {
  const auto by_default = on({}).header_attributes;
  REQUIRE(by_default.size() == 1);
  CHECK(by_default[0].header == "agent-session-id");
  CHECK(by_default[0].attribute == "session.id");
  CHECK(on({{"OTEL_AIGW_SPAN_REQUEST_HEADER_ATTRIBUTES", ""}}).header_attributes.empty());
  const auto both = on({{"OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES", "X-Team:team"},
                        {"OTEL_AIGW_SPAN_REQUEST_HEADER_ATTRIBUTES", "x-team:squad,b:c"}});
  REQUIRE(both.header_attributes.size() == 2);
  CHECK(both.header_attributes[0].header == "x-team");
  CHECK(both.header_attributes[0].attribute == "squad");
  CHECK(read({{"OTEL_TRACES_EXPORTER", "otlp"},
              {"OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES", "authorization:user"}})
            .error.find("`authorization`") != std::string::npos);
}

TEST_CASE("content is captured where somebody has asked for it") {
  CHECK_FALSE(on({}).content.has_inputs);
  CHECK_FALSE(on({}).content.has_outputs);
  const auto all = on({{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"}}).content;
  CHECK((all.has_inputs && all.has_outputs && !all.hides_inputs && !all.hides_outputs));
  const auto inputs = on({{"OPENINFERENCE_HIDE_INPUTS", "false"}}).content;
  CHECK((inputs.has_inputs && !inputs.hides_inputs && !inputs.has_outputs));
  CHECK(on({{"OPENINFERENCE_HIDE_INPUTS", "true"}}).content.hides_inputs);
  const auto other =
      on({{"OPENINFERENCE_HIDE_INPUTS", "false"}, {"AI_GATEWAY_TRACING_SEMCONV", "gen_ai"}});
  CHECK_FALSE(other.content.has_inputs);
}

TEST_CASE("every standard sampler") {
  const trace_id low{1, 0x3FFFFFFFFFFFFFFF}, high{1, 0xBFFFFFFFFFFFFFFF};
  const span_context is_in{{1, 1}, 1, true, false}, is_out{{1, 1}, 1, false, false};
  struct row {
    const char* name;
    bool root_low, root_high, parent_in, parent_out;  // of the last two: for `high`
  };
  const row rows[] = {
      {"always_on", true, true, true, true},
      {"always_off", false, false, false, false},
      {"traceidratio", true, false, false, false},
      {"parentbased_always_on", true, true, true, false},
      {"parentbased_always_off", false, false, true, false},
      {"parentbased_traceidratio", true, false, true, false},
  };
  for (const auto& r : rows) {
    INFO(r.name);
    const auto s =
        on({{"OTEL_TRACES_SAMPLER", r.name}, {"OTEL_TRACES_SAMPLER_ARG", "0.5"}}).sampling;
    CHECK(s.is_sampled(low, {}) == r.root_low);
    CHECK(s.is_sampled(high, {}) == r.root_high);
    CHECK(s.is_sampled(high, is_in) == r.parent_in);
    CHECK(s.is_sampled(high, is_out) == r.parent_out);
  }
  CHECK(on({}).sampling.is_sampled(high, {}));
  CHECK_FALSE(on({}).sampling.is_sampled(high, is_out));
  const sampler all{sampler::kind::by_ratio, 1.0, false}, none{sampler::kind::by_ratio, 0.0, false};
  CHECK(all.is_sampled({1, UINT64_MAX}, {}));
  CHECK_FALSE(none.is_sampled({1, 0}, {}));
}
