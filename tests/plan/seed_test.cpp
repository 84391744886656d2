#include <fstream>
#include <iterator>

#include "catch.hpp"
#include "helpers.hpp"

using namespace plan_test;
using namespace std::chrono_literals;
using understudy::resilience::trigger;

namespace {

const std::string config_folder = std::string{UNDERSTUDY_SOURCE_DIR} + "/config/";

}  // namespace

TEST_CASE("the seed's configuration compiles, each inference said") {
  const auto result = compile_file(config_folder + "provider-fallback.yaml", {});
  REQUIRE(result.compiled);
  const auto& p = *result.compiled;
  REQUIRE(p.listeners.size() == 1);
  CHECK(p.listeners[0].address == "127.0.0.1");
  CHECK(p.listeners[0].port == 1975);
  REQUIRE(p.routes.size() == 1);
  CHECK(p.routes[0].name == "default/provider-fallback");
  REQUIRE(p.routes[0].rules.size() == 1);
  const auto& rule = p.routes[0].rules[0];
  REQUIRE(rule.backends.size() == 2);

  const auto& primary = rule.backends[0];
  CHECK(primary.priority == 0);
  CHECK(primary.schema == understudy::translate::schema::openai);
  CHECK(primary.prefix == "v1");
  REQUIRE(primary.tls);
  CHECK(*primary.tls == plan::upstream_tls{});
  CHECK(primary.targets.at(0).hostname ==
        "provider-fallback-always-failing-upstream.default.svc.cluster.local");
  CHECK(std::holds_alternative<std::monostate>(primary.auth));

  const auto& fallback = rule.backends[1];
  CHECK(fallback.priority == 1);
  CHECK(fallback.schema == understudy::translate::schema::aws_bedrock);
  REQUIRE(std::holds_alternative<plan::aws_credential>(fallback.auth));
  CHECK(std::get<plan::aws_credential>(fallback.auth).region == "us-east-1");
  CHECK(std::get<plan::aws_credential>(fallback.auth).ini.empty());

  const auto& retry = rule.cluster.retry;
  CHECK(retry.is_present);
  CHECK(retry.num_retries == 5);
  CHECK_FALSE(retry.num_attempts_per_priority);
  CHECK(retry.triggers.count() == 2);
  CHECK(retry.triggers.test(static_cast<std::size_t>(trigger::connect_failure)));
  CHECK(retry.triggers.test(static_cast<std::size_t>(trigger::retriable_status_codes)));
  CHECK(retry.status_codes.count() == 1);
  CHECK(retry.status_codes.test(500));
  CHECK(retry.backoff.base == 100ms);
  CHECK(retry.backoff.max == 10s);
  CHECK(retry.per_try_timeout == 30s);
  CHECK_FALSE(retry.is_immediate_on_next_priority);

  REQUIRE(rule.cluster.ejection);
  const auto& ejection = *rule.cluster.ejection;
  CHECK(ejection.base_ejection_time == 5s);
  CHECK(ejection.interval == 2s);
  CHECK(ejection.max_ejection_percent == 100);
  CHECK(ejection.consecutive_5xx == 1);
  REQUIRE(ejection.consecutive_gateway_errors);
  CHECK(*ejection.consecutive_gateway_errors == 0);
  CHECK_FALSE(ejection.is_split);

  CHECK(rule.timeouts.request == 600s);
  CHECK(rule.timeouts.is_head_only);
  REQUIRE(p.models.size() == 1);
  CHECK(p.models[0].id == "us.meta.llama3-2-1b-instruct-v1:0");
  CHECK(p.models[0].created == 1'700'000'000);

  int errors = 0;
  for (const auto& line : result.told) errors += line.find(": error: ") != std::string::npos;
  CHECK(errors == 0);
  for (
      const auto* inference :
      {":20:17: info: AIGatewayRoute default/provider-fallback: spec.rules[0].backendRefs[0].name: "
       "no AIServiceBackend `provider-fallback-always-failing-upstream`: the Backend of that name "
       "is used, with schema OpenAI, the route's",
       ":22:17: info: AIGatewayRoute default/provider-fallback: spec.rules[0].backendRefs[1].name: "
       "no AIServiceBackend `provider-fallback-aws`: the Backend of that name is used, with schema "
       "AWSBedrock as `bedrock-runtime.us-east-1.amazonaws.com` tells",
       "requests are signed with the standard AWS credential chain, region us-east-1",
       ":34:15: info: Backend default/provider-fallback-always-failing-upstream: spec.endpoints: "
       "port 443 without `tls` and without a BackendTLSPolicy: speaks TLS",
       ":45:15: info: Backend default/provider-fallback-aws: spec.endpoints: port 443",
       ":47:1: info: BackendTrafficPolicy default/passive-health-check: metadata.namespace: not "
       "written; `default` is used",
       ":10:13: info: AIGatewayRoute default/provider-fallback: spec.targetRefs[0].name: Gateway "
       "`provider-fallback` is not among the files: understudy listens on 127.0.0.1:1975"}) {
    INFO(inference);
    CHECK(result.says(inference));
  }
}

TEST_CASE("the ready configurations have neither errors nor warnings") {
  const std::map<std::string, std::string> keys{{"OPENAI_API_KEY", "a"},
                                                {"OPENAI_API_KEY_A", "b"},
                                                {"OPENAI_API_KEY_B", "c"},
                                                {"FALLBACK_API_KEY", "d"}};
  for (const auto* name : {"active-active", "demo", "local-models", "openai-to-bedrock"}) {
    const auto result = compile_file(config_folder + name + ".yaml", keys);
    INFO(name);
    CHECK(result.compiled);
    for (const auto& line : result.told) {
      INFO(line);
      CHECK(line.find(": info: ") != std::string::npos);
    }
  }
}

TEST_CASE("the demo's configuration has what the demo counts on") {
  const auto result = compile_file(config_folder + "demo.yaml", {{"DEMO_PRIMARY_PORT", "4001"}});
  REQUIRE(result.compiled);
  const auto& rule = result.compiled->routes.at(0).rules.at(0);
  CHECK(rule.backends.at(0).targets.at(0).port == 4001);
  CHECK(rule.backends.at(1).targets.at(0).port == 18081);
  CHECK_FALSE(rule.backends[0].tls);
  CHECK(rule.backends[1].schema == understudy::translate::schema::aws_bedrock);
  CHECK_FALSE(std::get<plan::aws_credential>(rule.backends[1].auth).ini.empty());
  CHECK(rule.cluster.retry.per_try_timeout == 2s);
  CHECK(rule.cluster.ejection->base_ejection_time == 5s);
  CHECK(result.compiled->listeners.at(0).name == "http");
  CHECK(result.compiled->models.at(0).id == "demo-model");
}
