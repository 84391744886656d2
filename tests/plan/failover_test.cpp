#include <nlohmann/json.hpp>

#include <understudy/plan/describe.hpp>

#include "catch.hpp"
#include "helpers.hpp"

using namespace plan_test;
using namespace std::chrono_literals;
using understudy::resilience::trigger;

namespace {

const std::string ai_target = "{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: chat}";

std::string failover(const std::string& spec, const std::string& target = ai_target,
                     const std::string& name = "fast") {
  return "---\napiVersion: understudy.dev/v1alpha1\nkind: FailoverPolicy\nmetadata: {name: " +
         name + ", namespace: default}\nspec:\n  targetRefs: [" + target + "]\n" + spec;
}

std::string http_route(const std::string& name) {
  return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " +
         name +
         ", namespace: default}\nspec:\n  parentRefs: [{name: gw}]\n  rules:\n    - backendRefs: "
         "[{group: gateway.envoyproxy.io, kind: Backend, name: openai}]\n";
}

const plan::rule& rule_of(const outcome& result) {
  for (const auto& line : result.told) INFO(line);
  REQUIRE(result.compiled);
  return result.compiled->routes.at(0).rules.at(0);
}

plan::rule ai_rule(const std::string& more) {
  return rule_of(compile(route("{name: openai}") + one_backend + more));
}

}  // namespace

TEST_CASE("with no policy at all every default acts") {
  const auto result = compile(route("{name: openai}") + one_backend);
  const auto& rule = rule_of(result);
  const auto& retry = rule.cluster.retry;
  CHECK(retry.num_retries == 7);
  CHECK(retry.retries_in_band_errors);
  CHECK(retry.falls_back_on_context_window);
  CHECK_FALSE(retry.falls_back_on_content_policy);
  CHECK(retry.is_deadline_aware);
  CHECK(retry.moves_on_over_budget);
  CHECK(retry.max_retry_after_wait == 3s);
  const auto& hedge = rule.cluster.hedge;
  CHECK_FALSE(hedge.after);
  CHECK_FALSE(hedge.quantile);
  CHECK(hedge.max == 1);
  CHECK(hedge.budget_percent == 10);
  CHECK(hedge.first_token == 12s);
  CHECK(hedge.is_first_token_hedged);
  REQUIRE(rule.cluster.breaker.retry_budget);
  CHECK(rule.cluster.breaker.retry_budget->percent == 20);
  CHECK(rule.cluster.breaker.retry_budget->min_retry_concurrency == 3);
  CHECK(rule.failover.holds);
  CHECK(rule.failover.is_guarded);
  CHECK(rule.failover.at_break == plan::on_break::terminate);
  CHECK_FALSE(rule.failover.keep_alive);
  CHECK(result.says("no FailoverPolicy: a stream without content after 12s"));
  const auto described = nlohmann::json::parse(plan::describe_json(*result.compiled));
  const auto& shown = described["routes"][0]["rules"][0];
  CHECK(shown["retry"]["retry_after_up_to_ms"] == 3000);
  CHECK(shown["retry"]["budget"]["percent"] == 20);
  CHECK(shown["hedge"]["first_token_ms"] == 12000);
  CHECK(shown["failover"]["on_break"] == "terminate");
}

TEST_CASE("a written retry keeps Envoy's, and what looks into bodies") {
  const auto rule = ai_rule(traffic("  retry: {}\n"));
  const auto& retry = rule.cluster.retry;
  CHECK(retry.num_retries == 2);
  CHECK(retry.retries_in_band_errors);
  CHECK(retry.falls_back_on_context_window);
  CHECK_FALSE(retry.is_deadline_aware);
  CHECK_FALSE(retry.max_retry_after_wait);
  CHECK_FALSE(retry.is_immediate_on_next_priority);
  CHECK_FALSE(retry.moves_on_over_budget);
  CHECK_FALSE(rule.cluster.hedge.first_token);
  CHECK_FALSE(rule.cluster.ejection);
  CHECK_FALSE(rule.cluster.breaker.retry_budget);
  CHECK(rule.failover.holds);
}

TEST_CASE("every field of a FailoverPolicy acts") {
  const auto rule = ai_rule(failover(R"(
  attempts: {perPriority: 2, max: 5, timeout: 7s, backoff: {base: 1s, max: 2s}}
  retryOn: {statusCodes: [500, 529], connectFailure: false, reset: true, timeout: false, inBandErrors: false}
  retryAfter: {waitUpTo: 9s}
  fallbackOn: {contextWindowExceeded: false, contentPolicy: true}
  ejection: {consecutive5XxErrors: 4, consecutiveGatewayErrors: 2, baseEjectionTime: 400s, interval: 1s,
             maxEjectionPercent: 50, trialRequests: 3, splitExternalLocalOriginErrors: true,
             consecutiveLocalOriginFailures: 6, failurePercentageThreshold: 80, alwaysEjectOneEndpoint: true}
  firstToken: {timeout: 4s, action: fail, hold: true, keepAlive: 11s}
  stream: {idleTimeout: 13s, onBreak: continue}
  hedge: {after: p95, max: 2, budget: 30}
  retryBudget: {percent: 50, minimum: 8}
  guard: false
)"));
  const auto& retry = rule.cluster.retry;
  CHECK(retry.num_retries == 4);
  CHECK(retry.num_attempts_per_priority == 2U);
  CHECK(retry.per_try_timeout == 7s);
  CHECK_FALSE(retry.per_try_timeout_stream);
  CHECK(retry.backoff.base == 1s);
  CHECK(retry.backoff.max == 2s);
  CHECK(retry.status_codes.count() == 2);
  CHECK(retry.status_codes.test(529));
  CHECK(retry.triggers.count() == 2);
  CHECK(has(rule, trigger::retriable_status_codes));
  CHECK(has(rule, trigger::connection_closed));
  CHECK_FALSE(retry.retries_in_band_errors);
  CHECK(retry.max_retry_after_wait == 9s);
  CHECK_FALSE(retry.falls_back_on_context_window);
  CHECK(retry.falls_back_on_content_policy);
  REQUIRE(rule.cluster.ejection);
  const auto& e = *rule.cluster.ejection;
  CHECK(e.consecutive_5xx == 4);
  CHECK(e.consecutive_gateway_errors == 2U);
  CHECK(e.base_ejection_time == 400s);
  CHECK(e.max_ejection_time == 400s);
  CHECK(e.interval == 1s);
  CHECK(e.max_ejection_percent == 50);
  CHECK(e.trial_requests == 3);
  CHECK(e.is_split);
  CHECK(e.consecutive_local_origin_failures == 6);
  CHECK(e.failure_percentage_threshold == 80U);
  CHECK(e.always_ejects_one);
  const auto& hedge = rule.cluster.hedge;
  CHECK(hedge.first_token == 4s);
  CHECK_FALSE(hedge.is_first_token_hedged);
  CHECK_FALSE(hedge.after);
  CHECK(hedge.quantile == 95U);
  CHECK(hedge.max == 2);
  CHECK(hedge.budget_percent == 30);
  CHECK(rule.cluster.breaker.retry_budget->percent == 50);
  CHECK(rule.cluster.breaker.retry_budget->min_retry_concurrency == 8);
  CHECK(rule.failover.keep_alive == 11s);
  CHECK(rule.failover.at_break == plan::on_break::resume);
  CHECK_FALSE(rule.failover.is_guarded);
  CHECK(rule.timeouts.body_idle == 13s);
  for (const auto* field : {"spec.attempts.max", "spec.hedge.after", "spec.stream.onBreak"}) {
    REQUIRE(rule.find_written(field) != nullptr);
    CHECK(rule.find_written(field)->field == field);
    CHECK(rule.find_written(field)->object == "FailoverPolicy default/fast");
  }
}

TEST_CASE("zeros switch limits off") {
  const auto rule = ai_rule(failover(
      "  attempts: {timeout: 0s}\n  firstToken: {timeout: 0s, keepAlive: 0s}\n"
      "  stream: {idleTimeout: 0s}\n  hedge: {after: 1500ms}\n  retryAfter: {waitUpTo: 0s}\n"));
  CHECK_FALSE(rule.cluster.retry.per_try_timeout);
  CHECK_FALSE(rule.cluster.retry.per_try_timeout_stream);
  CHECK_FALSE(rule.cluster.hedge.first_token);
  CHECK(rule.cluster.hedge.after == 1500ms);
  CHECK(rule.cluster.retry.max_retry_after_wait == 0s);
  CHECK_FALSE(rule.failover.keep_alive);
  CHECK_FALSE(rule.timeouts.body_idle);
}

TEST_CASE("what a BackendTrafficPolicy writes wins over a FailoverPolicy") {
  const auto rule = ai_rule(
      failover("  attempts: {max: 3, perPriority: 1}\n  retryOn: {inBandErrors: false}\n"
               "  retryAfter: {waitUpTo: 5s}\n  stream: {idleTimeout: 9s}\n"
               "  ejection: {consecutive5XxErrors: 1, baseEjectionTime: 7s, trialRequests: 2}\n"
               "  retryBudget: {percent: 40}\n") +
      traffic("  retry: {numRetries: 1}\n"
              "  healthCheck: {passive: {consecutive5XxErrors: 9}}\n"
              "  circuitBreaker: {maxParallelRetries: 5}\n"
              "  timeout: {http: {streamIdleTimeout: 20s}}\n"));
  const auto& retry = rule.cluster.retry;
  CHECK(retry.num_retries == 1);
  CHECK_FALSE(retry.num_attempts_per_priority);
  CHECK_FALSE(retry.retries_in_band_errors);
  CHECK(retry.max_retry_after_wait == 5s);
  CHECK(retry.is_deadline_aware);
  CHECK(rule.cluster.hedge.first_token == 12s);
  REQUIRE(rule.cluster.ejection);
  CHECK(rule.cluster.ejection->consecutive_5xx == 9);
  CHECK(rule.cluster.ejection->base_ejection_time == 7s);
  CHECK(rule.cluster.ejection->max_ejection_percent == 10);
  CHECK(rule.cluster.ejection->trial_requests == 2);
  CHECK_FALSE(rule.cluster.breaker.retry_budget);
  CHECK(rule.cluster.breaker.max_parallel_retries == 5);
  CHECK_FALSE(rule.timeouts.body_idle);
  CHECK(rule.timeouts.stream_idle == 20s);
}

TEST_CASE("the closest FailoverPolicy acts, as a whole") {
  const std::string gateway = "{group: gateway.networking.k8s.io, kind: Gateway, name: gw}";
  const std::string generated = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}";
  const auto with = [&](const std::string& policies) {
    return rule_of(compile(route("{name: openai}", "", "  parentRefs: [{name: gw}]\n") +
                           one_backend + policies))
        .cluster.retry.num_retries;
  };
  const auto far = failover("  attempts: {max: 6}\n", gateway, "far");
  CHECK(with(far) == 5);
  CHECK(with(far + failover("  attempts: {max: 3}\n")) == 2);
  CHECK(with(far + failover("  guard: true\n")) == 7);
  CHECK(with(far + failover("  attempts: {max: 4}\n", generated)) == 3);
  const std::string other = "{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: other}";
  CHECK(with(failover("  attempts: {max: 4}\n", other)) == 7);
}

TEST_CASE("an HTTPRoute gets attempts and ejection, and nothing that looks into bodies") {
  const auto plain = rule_of(compile(http_route("chat") + one_backend));
  CHECK_FALSE(plain.cluster.retry.is_present);
  CHECK_FALSE(plain.cluster.ejection);
  const auto rule =
      rule_of(compile(http_route("chat") + one_backend +
                      failover("  attempts: {max: 3}\n  hedge: {after: 1s}\n",
                               "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}")));
  CHECK(rule.cluster.retry.num_retries == 2);
  CHECK(rule.cluster.retry.max_retry_after_wait == 3s);
  CHECK_FALSE(rule.cluster.retry.retries_in_band_errors);
  CHECK_FALSE(rule.cluster.retry.falls_back_on_context_window);
  CHECK(rule.cluster.ejection);
  CHECK_FALSE(rule.cluster.hedge.after);
  CHECK_FALSE(rule.cluster.hedge.first_token);
  CHECK_FALSE(rule.timeouts.body_idle);
}
