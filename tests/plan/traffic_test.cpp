#include "catch.hpp"
#include "helpers.hpp"

// BackendTrafficPolicy: balancing, active checks; HTTPRoute: session persistence.

using namespace plan_test;
using std::chrono::milliseconds;
using std::chrono::seconds;
using understudy::resilience::balancing;

namespace {

const plan::rule& rule_with(const outcome& made) {
  for (const auto& line : made.told) UNSCOPED_INFO(line);
  REQUIRE(made.compiled);
  return made.compiled->routes.front().rules.front();
}

outcome compiled_with(const std::string& spec, const std::string& route_more = "") {
  return compile(route("{name: a}", "", route_more) + backend("a", local_endpoint) +
                 service("a", "name: OpenAI") + traffic(spec));
}

std::string plain_route(const std::string& rule) {
  return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: plain, "
         "namespace: default}\nspec:\n  rules:\n    - backendRefs: [{group: "
         "gateway.envoyproxy.io, kind: Backend, name: a}]\n" +
         rule;
}

}  // namespace

TEST_CASE("load balancers", "[plan]") {
  SECTION("default") {
    const auto made = compiled_with("  retry: {}\n");
    CHECK(rule_with(made).cluster.load_balancer == balancing::least_request);
    CHECK_FALSE(rule_with(made).hash);
  }
  SECTION("source address") {
    const auto made = compiled_with(
        "  loadBalancer: {type: ConsistentHash, consistentHash: {type: SourceIP, tableSize: "
        "11}}\n");
    const auto& rule = rule_with(made);
    CHECK(rule.cluster.load_balancer == balancing::consistent_hash);
    CHECK(rule.cluster.hash_table_size == 11);
    CHECK(rule.hash->from == plan::hash_input::source::client_address);
  }
  SECTION("headers") {
    const auto made = compiled_with(
        "  loadBalancer: {type: ConsistentHash, consistentHash: {type: Headers, headers: [{name: "
        "X-User}, {name: X-Org}]}}\n");
    const auto& rule = rule_with(made);
    CHECK(rule.cluster.hash_table_size == 65'537);
    CHECK(rule.hash->from == plan::hash_input::source::headers);
    CHECK(rule.hash->names == std::vector<std::string>{"x-user", "x-org"});
  }
  SECTION("cookie") {
    const auto made = compiled_with(
        "  loadBalancer: {type: ConsistentHash, consistentHash: {type: Cookie, cookie: {name: "
        "Seat, ttl: 60s, attributes: {SameSite: Strict}}}}\n");
    const auto& rule = rule_with(made);
    CHECK(rule.hash->from == plan::hash_input::source::cookie);
    CHECK(rule.hash->names == std::vector<std::string>{"Seat"});
    CHECK(rule.hash->cookie_ttl == seconds{60});
    REQUIRE(rule.hash->cookie_attributes.size() == 1);
    CHECK(rule.hash->cookie_attributes[0].name == "SameSite");
  }
  SECTION("utilization") {
    const auto made = compiled_with(
        "  loadBalancer: {type: BackendUtilization, slowStart: {window: 60s}, backendUtilization: "
        "{blackoutPeriod: 1s, weightUpdatePeriod: 10ms, errorUtilizationPenaltyPercent: 150, "
        "metricNamesForComputingUtilization: [named_metrics.queue], keepResponseHeaders: true}}\n");
    const auto& rule = rule_with(made);
    CHECK(rule.cluster.load_balancer == balancing::backend_utilization);
    CHECK(rule.cluster.utilization.blackout == seconds{1});
    CHECK(rule.cluster.utilization.expiration == seconds{180});
    CHECK(rule.cluster.utilization.update_period == milliseconds{100});
    CHECK(rule.cluster.utilization.error_penalty == 1.5);
    CHECK(rule.cluster.slow_start_window == seconds{60});
    CHECK(rule.load_reports->metrics == std::vector<std::string>{"named_metrics.queue"});
    CHECK(rule.load_reports->is_kept);
  }
}

TEST_CASE("load balancers that do not fit", "[plan]") {
  struct row {
    const char* spec;
    const char* says;
  };
  const row rows[] = {
      {"{type: ConsistentHash}", "consistentHash: is missing; type `ConsistentHash` needs it"},
      {"{type: Random, consistentHash: {type: SourceIP}}", "does not belong to type `Random`"},
      {"{type: ConsistentHash, consistentHash: {type: Cookie}}", "cookie: is missing"},
      {"{type: ConsistentHash, consistentHash: {type: SourceIP, tableSize: 100}}", "no prime"},
      {"{type: Random, slowStart: {window: 5s}}", "does not go with `Random`"},
      {"{type: RoundRobin, slowStart: {}}", "window: is missing"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.spec);
    const auto made = compiled_with(std::string{"  loadBalancer: "} + r.spec + "\n");
    CHECK_FALSE(made.compiled);
    CHECK(made.says(r.says));
  }
}

TEST_CASE("active checks", "[plan]") {
  SECTION("HTTP with the defaults") {
    const auto made =
        compiled_with("  healthCheck: {active: {type: HTTP, http: {path: /health}}}\n",
                      "  hostnames: ['*.example.com', api.example.com]\n");
    const auto& rule = rule_with(made);
    REQUIRE(rule.check);
    REQUIRE(rule.cluster.active_check);
    const auto& times = *rule.cluster.active_check;
    CHECK(times.timeout == seconds{1});
    CHECK(times.interval == seconds{3});
    CHECK(times.initial_jitter == seconds{0});
    CHECK(times.no_traffic_interval == seconds{60});
    CHECK(times.unhealthy_threshold == 3);
    CHECK(times.healthy_threshold == 1);
    CHECK(rule.check->is_http);
    CHECK(rule.check->path == "/health");
    CHECK(rule.check->method == "GET");
    CHECK(rule.check->hostname.empty());
    CHECK(rule.check->route_hostname == "api.example.com");
    CHECK(rule.check->expected == std::vector<int>{200});
    CHECK(rule.check->retriable.empty());
  }
  SECTION("HTTP, everything written") {
    const auto made = compiled_with(
        "  healthCheck:\n    active:\n      type: HTTP\n      timeout: 2s\n      interval: 5s\n"
        "      initialJitter: 1s\n      unhealthyThreshold: 2\n      healthyThreshold: 4\n"
        "      overrides: {port: 9000}\n      http: {path: /h, method: POST, hostname: h.example, "
        "expectedStatuses: [204, 200], retriableStatuses: [503], expectedResponse: {type: Text, "
        "text: ok}, requestBody: {type: Binary, binary: aGk=}}\n");
    const auto& rule = rule_with(made);
    CHECK(rule.cluster.active_check->healthy_threshold == 4);
    CHECK(rule.cluster.active_check->initial_jitter == seconds{1});
    CHECK(rule.check->port == 9000);
    CHECK(rule.check->method == "POST");
    CHECK(rule.check->hostname == "h.example");
    CHECK(rule.check->expected == std::vector<int>{200, 204});
    CHECK(rule.check->retriable == std::vector<int>{503});
    CHECK(rule.check->expected_response == "ok");
    CHECK(rule.check->request_body == "hi");
  }
  SECTION("TCP") {
    const auto made = compiled_with(
        "  healthCheck: {active: {type: TCP, tcp: {send: {type: Text, text: PING}, receive: {type: "
        "Binary, binary: UE9ORw==}}}}\n");
    const auto& rule = rule_with(made);
    CHECK_FALSE(rule.check->is_http);
    CHECK(rule.check->send == "PING");
    CHECK(rule.check->receive == "PONG");
  }
  SECTION("GRPC checks nothing and says so") {
    const auto made = compiled_with("  healthCheck: {active: {type: GRPC}}\n");
    CHECK_FALSE(rule_with(made).check);
    CHECK(made.says("`GRPC` checks do not act yet"));
  }
  SECTION("refused") {
    for (const auto* spec :
         {"{type: HTTP}", "{type: TCP, tcp: {}, http: {path: /h}}", "{type: HTTP, http: {}}",
          "{type: HTTP, http: {path: /h}, healthyThreshold: 0}",
          "{type: HTTP, http: {path: /h, requestBody: {type: Text, text: x}}}",
          "{type: TCP, tcp: {send: {type: Binary, binary: '!'}}}",
          "{type: TCP, tcp: {send: {type: Text, binary: aGk=}}}",
          "{type: HTTP, interval: 0s, http: {path: /h}}"}) {
      CAPTURE(spec);
      CHECK_FALSE(compiled_with(std::string{"  healthCheck: {active: "} + spec + "}\n").compiled);
    }
  }
}

TEST_CASE("session persistence of an HTTPRoute", "[plan]") {
  SECTION("cookie without a name") {
    const auto made =
        compile(plain_route("      sessionPersistence: {}\n") + backend("a", local_endpoint));
    const auto& rule = rule_with(made);
    REQUIRE(rule.session);
    CHECK(rule.session->is_cookie);
    CHECK(rule.session->name == "httproute-default-plain-rule-0");
    CHECK_FALSE(rule.session->lifetime);
  }
  SECTION("permanent cookie") {
    const auto made =
        compile(plain_route("      sessionPersistence: {sessionName: Seat, absoluteTimeout: 1h, "
                            "cookieConfig: {lifetimeType: Permanent}}\n") +
                backend("a", local_endpoint));
    CHECK(rule_with(made).session->lifetime == std::chrono::hours{1});
  }
  SECTION("header") {
    const auto made =
        compile(plain_route("      sessionPersistence: {sessionName: X-Seat, type: Header}\n") +
                backend("a", local_endpoint));
    CHECK_FALSE(rule_with(made).session->is_cookie);
    CHECK(rule_with(made).session->name == "x-seat");
  }
  SECTION("permanent without an end") {
    const auto made = compile(
        plain_route("      sessionPersistence: {cookieConfig: {lifetimeType: Permanent}}\n") +
        backend("a", local_endpoint));
    CHECK_FALSE(made.compiled);
  }
}

TEST_CASE("R31 the rule's own retry replaces the policy's", "[plan]") {
  const auto made =
      compile(plain_route("      retry: {codes: [502]}\n") + backend("a", local_endpoint) +
              traffic("  retry: {numRetries: 7, retryOn: {httpStatusCodes: [500]}}\n",
                      "HTTPRoute, name: plain"));
  const auto& retry = rule_with(made).cluster.retry;
  CHECK(retry.num_retries == 2);
  CHECK(retry.status_codes.test(502));
  CHECK_FALSE(retry.status_codes.test(500));
}

TEST_CASE("connections, names and bodies of a rule", "[plan]") {
  const auto made = compiled_with(
      "  circuitBreaker: {maxConnections: 7, maxPendingRequests: 0, maxRequestsPerConnection: 2, "
      "perEndpoint: {}}\n  timeout: {http: {maxConnectionDuration: 1m}}\n"
      "  tcpKeepalive: {probes: 3, interval: 5s}\n"
      "  dns: {dnsRefreshRate: 5s, lookupFamily: IPv6Preferred}\n  requestBuffer: {limit: 1Mi}\n");
  const auto& rule = rule_with(made);
  CHECK(rule.cluster.breaker.max_connections == 7);
  CHECK(rule.cluster.breaker.max_pending_requests == 0);
  CHECK(rule.cluster.breaker.max_requests_per_connection == 2);
  CHECK(rule.cluster.breaker.max_connections_per_endpoint == 1024);  // an empty block's default
  CHECK(rule.timeouts.max_connection_duration == seconds{60});
  REQUIRE(rule.keepalive);
  CHECK(rule.keepalive->probes == 3);
  CHECK_FALSE(rule.keepalive->idle_time);
  CHECK(rule.keepalive->interval == seconds{5});
  CHECK(rule.lookup.refresh_rate == seconds{5});
  CHECK(rule.lookup.family == plan::ip_family::v6_preferred);
  CHECK(rule.max_body_bytes == 1024 * 1024);
  CHECK_FALSE(made.says("does not act yet"));
}

namespace {

/// The rule of a route under a Gateway with both policies in force.
outcome merged_with(const std::string& gateway_spec, const std::string& route_spec) {
  return compile(route("{name: a}", "", "  parentRefs: [{name: gw, kind: Gateway}]\n") +
                 backend("a", local_endpoint) + service("a", "name: OpenAI") +
                 traffic(gateway_spec, "Gateway, name: gw", "wide") +
                 traffic(route_spec, "HTTPRoute, name: chat", "narrow"));
}

const std::string gateway_wide =
    "  retry: {numRetries: 7, numAttemptsPerPriority: 2, retryOn: {httpStatusCodes: [500], "
    "triggers: [5xx]}, perRetry: {timeout: 9s, backOff: {baseInterval: 50ms}}}\n"
    "  circuitBreaker: {maxConnections: 9, maxRequestsPerConnection: 4}\n"
    "  healthCheck: {panicThreshold: 20, passive: {consecutive5XxErrors: 2, "
    "consecutiveGatewayErrors: 3}}\n"
    "  timeout: {tcp: {connectTimeout: 3s}}\n"
    "  loadBalancer: {type: RoundRobin, slowStart: {window: 30s}}\n"
    "  tcpKeepalive: {probes: 3}\n  dns: {dnsRefreshRate: 5s}\n";

}  // namespace

TEST_CASE("a route's policy replaces the Gateway's as a whole", "[plan]") {
  const auto made = merged_with(gateway_wide, "  retry: {numRetries: 1}\n");
  const auto& rule = rule_with(made);
  CHECK(rule.cluster.retry.num_retries == 1);
  CHECK(rule.cluster.load_balancer == balancing::least_request);
  CHECK(rule.cluster.breaker.max_connections == 1024);
  CHECK(rule.timeouts.connect == seconds{10});
}

TEST_CASE("with a mergeType it is laid over the Gateway's", "[plan]") {
  for (const auto* type : {"StrategicMerge", "JSONMerge"}) {
    CAPTURE(type);
    const auto made = merged_with(
        gateway_wide,
        std::string{"  mergeType: "} + type +
            "\n  retry: {perRetry: {timeout: 4s}}\n"
            "  healthCheck: {passive: {consecutiveGatewayErrors: 8}}\n"
            "  timeout: {http: {requestTimeout: 77s}}\n  tcpKeepalive: {interval: 1s}\n");
    const auto& rule = rule_with(made);
    const auto& retry = rule.cluster.retry;
    CHECK(retry.num_retries == 2);  // the CRD's default counts as written
    CHECK(retry.num_attempts_per_priority == 2U);
    CHECK(retry.triggers.count() == 1);
    CHECK(retry.per_try_timeout == seconds{4});
    CHECK(retry.backoff.base == milliseconds{50});
    CHECK(rule.cluster.breaker.max_connections == 9);  // a block of the Gateway's alone
    CHECK(rule.cluster.breaker.max_requests_per_connection == 4U);
    CHECK(rule.cluster.panic_threshold == 20);
    REQUIRE(rule.cluster.ejection);
    CHECK(rule.cluster.ejection->consecutive_5xx == 5);
    CHECK(rule.cluster.ejection->consecutive_gateway_errors == 8U);
    CHECK(rule.timeouts.connect == seconds{3});
    CHECK(rule.timeouts.request == seconds{77});
    CHECK(rule.cluster.load_balancer == balancing::round_robin);
    CHECK(rule.cluster.slow_start_window == seconds{30});
    CHECK(rule.keepalive->probes == 3);
    CHECK(rule.keepalive->interval == seconds{1});
    CHECK(rule.lookup.refresh_rate == seconds{5});
  }
}

TEST_CASE("a mergeType without a parent, and on one", "[plan]") {
  const auto alone = compiled_with("  mergeType: JSONMerge\n  retry: {numRetries: 4}\n");
  CHECK(rule_with(alone).cluster.retry.num_retries == 4);
  const auto wrong =
      merged_with("  mergeType: StrategicMerge\n  retry: {}\n", "  retry: {numRetries: 1}\n");
  CHECK_FALSE(wrong.compiled);
  CHECK(wrong.says("spec.mergeType: is for the policy of a route"));
}
