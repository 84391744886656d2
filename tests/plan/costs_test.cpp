#include <understudy/plan/cost.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "plan/helpers.hpp"

using namespace plan_test;

namespace {

std::string costs(const std::string& list, const std::string& name = "llmRequestCosts") {
  return "  " + name + ": [" + list + "]\n";
}

const std::string backend_a = backend("a", "fqdn: {hostname: a.test, port: 80}");

understudy::translate::token_usage usage() {
  understudy::translate::token_usage u;
  u.input = 10;
  u.output = 5;
  u.total = 15;
  return u;
}

std::uint64_t value_of(const plan::plan& p, const std::string& key) {
  const auto& rule = p.routes.at(0).rules.at(0);
  for (const auto& c : rule.costs)
    if (c.key == key) return *evaluate(c, {"m", rule.backends.at(0).id, "default/chat"}, usage());
  return 999;
}

}  // namespace

TEST_CASE("costs of all types come to their counts") {
  const auto out = compile(
      route("{name: a}", "",
            costs("{metadataKey: i, type: InputToken}, {metadataKey: o, type: OutputToken},"
                  "{metadataKey: t, type: TotalToken}, {metadataKey: c, type: CachedInputToken},"
                  "{metadataKey: w, type: CacheCreationInputToken},"
                  "{metadataKey: r, type: ReasoningToken},"
                  "{metadataKey: e, type: CEL, cel: \"model == 'm' && backend == "
                  "'default/a/route/chat/rule/0/ref/0' ? input_tokens * 2u : 0u\"}")) +
      backend_a);
  REQUIRE(out.compiled);
  CHECK(out.compiled->routes.at(0).rules.at(0).counts_tokens);
  const std::vector<std::pair<std::string, std::uint64_t>> rows = {
      {"i", 10}, {"o", 5}, {"t", 15}, {"c", 0}, {"w", 0}, {"r", 0}, {"e", 20}};
  for (const auto& [key, expected] : rows) CHECK(value_of(*out.compiled, key) == expected);
}

TEST_CASE("a route's own cost wins over its Gateway's") {
  const std::string global =
      "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: GatewayConfig\nmetadata: {name: g, "
      "namespace: default}\nspec:\n" +
      costs("{metadataKey: k, type: InputToken}, {metadataKey: only, type: TotalToken}",
            "globalLLMRequestCosts");
  const std::string gateway =
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw, "
      "namespace: default, annotations: {aigateway.envoyproxy.io/gateway-config: g}}\nspec: "
      "{gatewayClassName: x, listeners: [{name: a, protocol: HTTP, port: 8080}]}\n";
  const auto own = costs("{metadataKey: k, type: OutputToken}");
  const std::string parent = "  parentRefs: [{name: gw}]\n";
  for (const bool has_gateway : {false, true}) {
    const auto out = compile(route("{name: a}", "", own + (has_gateway ? parent : "")) + backend_a +
                             global + (has_gateway ? gateway : ""));
    REQUIRE(out.compiled);
    CHECK(value_of(*out.compiled, "k") == 5);
    CHECK(value_of(*out.compiled, "only") == 15);
  }
  const auto dangling = compile(route("{name: a}", "", own + parent) + backend_a + gateway);
  CHECK(!dangling.compiled);
  CHECK(dangling.says("no GatewayConfig `default/g`"));
}

TEST_CASE("a cost that can't be is told where it is written") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"{metadataKey: k, type: CEL, cel: input_tokens * 2}",
       "spec.llmRequestCosts[0].cel: at character 14, `* 2`"},
      {"{metadataKey: k, type: CEL, cel: 1u / input_tokens}", "a division by zero; guard it"},
      {"{metadataKey: k, type: CEL, cel: 0 - 1}", "a negative result"},
      {"{metadataKey: k, type: CEL, cel: \"1.5\"}", "gives a double"},
      {"{metadataKey: k, type: CEL}", "type CEL needs an expression"},
      {"{metadataKey: k, type: Tokens}", "type"},
      {"{type: InputToken}", "metadataKey"},
      {"{metadataKey: k, type: InputToken}, {metadataKey: k, type: OutputToken}", "used twice"},
  };
  for (const auto& [list, part] : rows) {
    INFO(list);
    const auto out = compile(route("{name: a}", "", costs(list)) + backend_a);
    CHECK(!out.compiled);
    CHECK(out.says(part));
  }
}

TEST_CASE("access logs of an EnvoyProxy") {
  const auto proxy = [](const std::string& log, const std::string& name = "p") {
    return "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyProxy\nmetadata: {name: " +
           name + ", namespace: default}\nspec: {telemetry: {accessLog: " + log + "}}\n";
  };
  const auto with = [&](const std::string& log) {
    return compile(route("{name: a}") + backend_a + proxy(log));
  };
  CHECK(!compile(route("{name: a}") + backend_a).compiled->access_logs);
  CHECK(!with("{}").compiled->access_logs);
  CHECK(with("{disable: true}").compiled->access_logs->empty());

  const auto text = with(
      "{settings: [{format: {type: Text, text: \"%RESPONSE_CODE% %RESP(a)%\\n\"}, sinks: [{type: "
      "File, file: {path: /dev/stdout}}, {type: File, file: {path: /var/log/a}}]}]}");
  REQUIRE(text.compiled);
  REQUIRE(text.compiled->access_logs->size() == 2);
  CHECK(text.compiled->access_logs->at(1).path == "/var/log/a");
  CHECK(text.compiled->access_logs->at(1).format.pattern.size() == 3);

  const auto json = with(
      "{settings: [{format: {type: JSON, json: {code: \"%RESPONSE_CODE%\", x: \"a %PROTOCOL%\"}}, "
      "sinks: [{type: File, file: {path: /dev/stdout}}, {type: ALS, als: {}}]}]}");
  REQUIRE(json.compiled);
  CHECK(json.compiled->access_logs->at(0).format.fields.size() == 2);
  CHECK(json.says("`ALS` does not act yet"));

  const auto bad = with(
      "{settings: [{format: {type: JSON, json: {code: \"a %NOPE%\"}}, sinks: [{type: File, file: "
      "{path: /dev/stdout}}]}]}");
  CHECK(!bad.compiled);
  CHECK(bad.says("settings[0].format.json.code: at character 3: unknown command `%NOPE%`"));
  CHECK(!with("{settings: [{sinks: [{type: File}]}]}").compiled);
  const auto twice =
      compile(route("{name: a}") + backend_a + proxy("{disable: true}") + proxy("{}", "q"));
  CHECK(twice.says("only one EnvoyProxy's access log acts"));
}
