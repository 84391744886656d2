#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include <understudy/config/documents.hpp>
#include <understudy/config/load.hpp>

#include "catch.hpp"

using namespace understudy::config;
using namespace std::chrono_literals;

namespace {

const std::map<std::string, std::string> known_variables{
    {"NAME", "value"}, {"EMPTY", ""}, {"PORT", "8443"}, {"QUOTE", "a\"b: {c}\n- d"}};

load_options options(bool is_lenient = false) {
  load_options out;
  out.is_lenient = is_lenient;
  out.environment = [](const std::string& name) -> std::optional<std::string> {
    const auto found = known_variables.find(name);
    return found == known_variables.end() ? std::nullopt : std::optional{found->second};
  };
  return out;
}

load_result load(const std::string& text, bool is_lenient = false) {
  return load_texts({{"f.yaml", text}}, options(is_lenient));
}

std::string map_of(const std::string& data) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: default}\ndata:\n" + data;
}

/// The value of key `k` of a ConfigMap whose data is `k: TEXT`, or the only finding.
std::string value_of(const std::string& text) {
  const auto result = load(map_of("  k: " + text + "\n"));
  if (!result.findings.empty()) return to_text(result.findings.front());
  return result.loaded->config_maps.at(0).values.at("k");
}

std::vector<std::string> texts(const load_result& result) {
  std::vector<std::string> out;
  for (const auto& f : result.findings) out.push_back(to_text(f));
  return out;
}

}  // namespace

TEST_CASE("environment references are replaced in scalars") {
  struct row {
    const char* written;
    const char* read;
  };
  const row rows[] = {
      {"${NAME}", "value"},
      {"a-${NAME}-b", "a-value-b"},
      {"\"${NAME}\"", "value"},
      {"${UNSET:-d}", "d"},
      {"${UNSET:=d}", "d"},
      {"${UNSET:-}", ""},
      {"${EMPTY:-d}", "d"},
      {"x${EMPTY}y", "xy"},
      {"${UNSET:-${NAME}}", "value"},
      {"${UNSET:-a b, [c]: #d}", "a b, [c]: #d"},
      {"${UNSET:-http://h:80/p}", "http://h:80/p"},
      {"$${NAME}", "${NAME}"},
      {"$$${NAME}", "$${NAME}"},
      {"$NAME", "$NAME"},
      {"cost 5$", "cost 5$"},
      {"^a.*$", "^a.*$"},
      {"${QUOTE}", "a\"b: {c}\n- d"},
      {"'${NAME}' # ${UNSET} in a comment", "value"},
      {"|\n    one\n    ${NAME}", "one\nvalue\n"},
      {"${NAME}${NAME}", "valuevalue"},
  };
  for (const auto& r : rows) {
    INFO(r.written);
    CHECK(value_of(r.written) == r.read);
  }
}

TEST_CASE("a reference stands inside a flow mapping and keeps positions right") {
  const auto result = load(
      "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\n"
      "metadata: {name: ${UNSET:-b}, namespace: default}\n"
      "spec: {endpoints: [{ip: {address: ${UNSET:-127.0.0.1}, port: ${PORT}}}], x: 1}\n");
  REQUIRE(result.loaded->backends.size() == 1);
  const auto& backend = result.loaded->backends[0];
  CHECK(backend.header.name == "b");
  CHECK(backend.endpoints.at(0).port.value == 8443);
  CHECK(texts(result) ==
        std::vector<std::string>{"f.yaml:4:74: error: Backend default/b: spec: unknown field `x`; "
                                 "write one of `type`, `endpoints`, `fallback`, `tls`, "
                                 "`appProtocols`"});
}

TEST_CASE("a reference that can't be replaced is one error at its place") {
  CHECK(value_of("x ${UNSET} y") ==
        "f.yaml:5:8: error: ConfigMap default/m: data.k: environment variable `UNSET` is not set; "
        "set it, or write a default as in `${UNSET:-default}`");
  CHECK(value_of("\"${NAME-sk-secret}\"") ==
        "f.yaml:5:7: error: ConfigMap default/m: data.k: `${NAME…}` is no reference; write "
        "`${NAME}`, `${NAME:-default}`, or `$${` for a literal `${`");
}

TEST_CASE("a value of the environment can't change the structure, nor is it shown") {
  const auto result = load(
      "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\n"
      "metadata: {name: b, namespace: default}\n"
      "spec:\n  endpoints:\n    - fqdn: {hostname: \"${QUOTE}\", port: 443}\n");
  REQUIRE(result.findings.size() == 1);
  CHECK(to_text(result.findings[0]) ==
        "f.yaml:6:24: error: Backend default/b: spec.endpoints[0].fqdn.hostname: the value is no "
        "host name; write one as in `api.example.com`, the port goes into `port`");
}

TEST_CASE("what is no YAML text of ours is refused with one finding") {
  struct row {
    std::string text;
    std::string finding;
  };
  std::string deep;
  deep = std::string(5000, '[') + std::string(5000, ']');
  std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'h'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    laughs += std::string(1, c) + ": &" + c + " [" + before;
    for (int i = 0; i < 9; ++i) laughs += ", " + before;
    laughs += "]\n";
  }
  const row rows[] = {
      {std::string{"a: b\n\0c", 7},
       "f.yaml:2:1: error: a control character; a configuration is "
       "plain text"},
      {deep, "f.yaml:1:65: error: more than 64 levels deep; flatten the document"},
      {laughs, "f.yaml:6:12: error: more than 200,000 nodes once aliases are followed; write less"},
      {std::string(9U << 20U, 'a'), "f.yaml:1:1: error: larger than 8 MiB; split the file"},
      {", a: b\n", "f.yaml:1:1: error: YAML syntax: belongs to no document; remove it"},
      {"? [a]\n: b\n", "f.yaml:1:3: error: a key must be text; put it in quotes"},
  };
  for (const auto& r : rows) {
    const auto result = load(r.text);
    CHECK(texts(result) == std::vector<std::string>{r.finding});
    CHECK(result.loaded->has_errors);
    CHECK(result.loaded->is_incomplete);
  }
}

TEST_CASE("merge keys and aliases read as kubectl reads them") {
  const auto result = load(
      "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\n"
      "metadata: {name: b, namespace: default}\n"
      "spec:\n  endpoints:\n"
      "    - ip: &one {address: 10.0.0.1, port: 80}\n"
      "    - ip:\n        <<: *one\n        address: 10.0.0.2\n"
      "    - ip: *one\n");
  CHECK(result.findings.empty());
  const auto& endpoints = result.loaded->backends.at(0).endpoints;
  REQUIRE(endpoints.size() == 3);
  CHECK(endpoints[1].host.value == "10.0.0.2");
  CHECK(endpoints[1].port.value == 80);
  CHECK(endpoints[2].host.value == "10.0.0.1");
}

TEST_CASE("an unknown field is a warning when lenient") {
  const std::string text =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\ndatta: {}\n";
  CHECK(texts(load(text)) ==
        std::vector<std::string>{
            "f.yaml:4:1: error: Secret default/s: unknown field `datta`; did you mean `data`?"});
  const auto lenient = load(text, true);
  REQUIRE(lenient.findings.size() == 1);
  CHECK(lenient.findings[0].level == severity::warning);
  CHECK_FALSE(lenient.loaded->has_errors);
}

TEST_CASE("a secret is decoded, and its annotations replace what is written") {
  auto with_files = options();
  std::string asked;
  with_files.read_file = [&](const std::string& path) -> std::optional<std::string> {
    asked = path;
    return path == "/keys/a" ? std::optional<std::string>{"from file"} : std::nullopt;
  };
  const auto result =
      load_texts({{"s.yaml",
                   "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: default\n"
                   "  annotations:\n"
                   "    substitution.aigw.run/env/b: NAME\n"
                   "    substitution.aigw.run/file/c: /keys/a\n"
                   "    substitution.aigw.run/env/d: UNSET\n"
                   "    substitution.aigw.run/env/none: NAME\n"
                   "data: {a: aGVsbG8=, b: eA==}\nstringData: {b: y, c: z, d: kept}\n"}},
                 with_files);
  const auto& values = result.loaded->secrets.at(0).values;
  CHECK(values.at("a") == "hello");
  CHECK(values.at("b") == "value");
  CHECK(values.at("c") == "from file");
  CHECK(values.at("d") == "kept");
  CHECK(asked == "/keys/a");
  CHECK(result.files == std::vector<std::string>{"s.yaml", "/keys/a"});
  CHECK(texts(result) ==
        std::vector<std::string>{
            "s.yaml:9:34: warning: Secret default/s: metadata.annotations: environment variable "
            "`UNSET` is not set; the written value is kept",
            "s.yaml:10:37: warning: Secret default/s: metadata.annotations: names key `none`, "
            "which the Secret does not have; add it to `stringData`"});
}

TEST_CASE("kinds of a cluster are said once each, unknown ones too") {
  const auto result = load(
      "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {anything: 1}\n---\n"
      "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: c}\n---\n"
      "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: d}\n---\n"
      "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: e}\n");
  CHECK(texts(result) ==
        std::vector<std::string>{
            "f.yaml:18:1: warning: SecurityPolicy default/e: this kind does not act yet; it is "
            "ignored",
            "f.yaml:1:1: info: Service default/a: Service does nothing on a host; all 2 are "
            "ignored",
            "f.yaml:11:7: warning: unknown kind `Thing` of `example.com/v1`; it is ignored"});
}

TEST_CASE("empty documents, lists and a later syntax error leave the others alone") {
  const auto result = load(
      "---\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n"
      "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a, namespace: default}\n"
      "  data: {k: v}\n---\na: b: c\n");
  CHECK(result.loaded->config_maps.size() == 1);
  CHECK(texts(result) == std::vector<std::string>{"f.yaml:13:5: error: YAML syntax: illegal map "
                                                  "value"});
}

TEST_CASE("defaults of the CRDs are filled in") {
  const auto result = load(
      "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\n"
      "metadata: {name: p, namespace: default}\nspec:\n"
      "  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]\n"
      "  retry: {}\n  healthCheck: {passive: {}}\n  circuitBreaker: {}\n  timeout: {}\n");
  CHECK(result.findings.empty());
  const auto& policy = result.loaded->traffic_policies.at(0);
  CHECK(policy.retry->num_retries.value == 2);
  const auto& passive = *policy.health->passive;
  CHECK(passive.interval.value == 3s);
  CHECK(passive.base_ejection.value == 30s);
  CHECK(passive.max_percent.value == 10);
  CHECK(passive.consecutive_5xx.value == 5);
  CHECK(passive.consecutive_local_origin.value == 5);
  CHECK_FALSE(passive.consecutive_gateway.is_written);
  CHECK(policy.health->panic_threshold.value == 50);
  CHECK(policy.breaker->requests.value == 1024);
  CHECK(policy.timeout->connect.value == 10s);
  CHECK(policy.timeout->connection_idle.value == 1h);
}

TEST_CASE("durations and sizes") {
  struct row {
    const char* text;
    std::optional<std::chrono::milliseconds> value;
  };
  const row rows[] = {
      {"30s", 30s},
      {"1h2m3s4ms", 1h + 2min + 3s + 4ms},
      {"0s", 0s},
      {"100ms", 100ms},
      {"99999h", 99999h},
      {"1d", std::nullopt},
      {"1.5s", std::nullopt},
      {"-1s", std::nullopt},
      {"100000s", std::nullopt},
      {"1s2s3s4s5s", std::nullopt},
      {"s", std::nullopt},
      {"5", std::nullopt},
  };
  for (const auto& r : rows) {
    INFO(r.text);
    const auto result = load(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: ClientTrafficPolicy\n"
        "metadata: {name: p, namespace: default}\nspec:\n"
        "  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: g}\n"
        "  timeout: {http: {idleTimeout: " +
        std::string{r.text} + "}}\n");
    const auto& idle = result.loaded->client_policies.at(0).idle;
    CHECK(idle.is_written == r.value.has_value());
    CHECK(result.findings.empty() == r.value.has_value());
    if (r.value) CHECK(idle.value == *r.value);
  }
  for (const auto& [text, bytes] : std::map<std::string, std::uint64_t>{
           {"32768", 32768}, {"50Mi", 50U << 20U}, {"1G", 1'000'000'000}, {"64Ki", 65536}}) {
    const auto result = load(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: ClientTrafficPolicy\n"
        "metadata: {name: p, namespace: default}\nspec:\n"
        "  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: g}\n"
        "  connection: {bufferLimit: " +
        text + "}\n");
    CHECK(result.findings.empty());
    CHECK(result.loaded->client_policies.at(0).buffer_limit.value == bytes);
  }
}

TEST_CASE("findings as JSON") {
  const auto result = load("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n\"d\\\"x\": 1\n");
  const auto json = nlohmann::json::parse(to_json(result.findings));
  REQUIRE(json.size() == 2);
  CHECK(json[0]["severity"] == "error");
  CHECK(json[0]["file"] == "f.yaml");
  CHECK(json[0]["line"] == 4);
  CHECK(json[0]["column"] == 1);
  CHECK(json[0]["object"] == "Secret default/s");
  CHECK(json[0]["message"].get<std::string>().starts_with("unknown field `d\"x`"));
  CHECK(json[1]["severity"] == "info");
}

TEST_CASE("paths: a folder gives its YAML files sorted, a missing one is told") {
  namespace fs = std::filesystem;
  const auto folder = fs::temp_directory_path() / "understudy-load-test";
  fs::remove_all(folder);
  fs::create_directories(folder / "sub.yaml");
  for (const auto* name : {"b.yaml", "a.yml", "c.txt"})
    std::ofstream{folder / name} << map_of("  k: " + std::string{name} + "\n");
  const auto result = load_paths({folder.string(), "/no/such/file.yaml"}, options());
  CHECK(result.files ==
        std::vector<std::string>{(folder / "a.yml").string(), (folder / "b.yaml").string()});
  CHECK(result.loaded->config_maps.size() == 1);
  REQUIRE(result.findings.size() == 2);
  CHECK(result.findings[0].message ==
        "is defined twice, first at " + (folder / "a.yml").string() + ":1; remove one of the two");
  CHECK(to_text(result.findings[1]) == "/no/such/file.yaml: error: no such file or folder");
  fs::remove_all(folder);
}
