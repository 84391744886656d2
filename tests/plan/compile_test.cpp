#include <nlohmann/json.hpp>

#include <understudy/plan/describe.hpp>

#include "catch.hpp"
#include "helpers.hpp"

using namespace plan_test;
using namespace std::chrono_literals;
using understudy::resilience::trigger;

namespace {

const plan::rule& first_rule(const outcome& result) {
  REQUIRE(result.compiled);
  return result.compiled->routes.at(0).rules.at(0);
}

std::string key_objects(const std::string& type, const std::string& field) {
  return "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: BackendSecurityPolicy\n"
         "metadata: {name: key, namespace: default}\nspec:\n"
         "  targetRefs: [{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: openai}]\n"
         "  type: " +
         type + "\n  " + field +
         ": {secretRef: {name: key}}\n---\n"
         "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: default}\n"
         "stringData: {apiKey: \" sk-secret-value\\n\"}\n";
}

}  // namespace

TEST_CASE("a route without a policy gets the defaults that keep it up") {
  const auto result = compile(route("{name: openai}") + one_backend);
  const auto& rule = first_rule(result);
  const auto& retry = rule.cluster.retry;
  CHECK(retry.num_retries == 7);
  CHECK(retry.num_attempts_per_priority == 3U);
  CHECK(retry.triggers.count() == 4);
  for (const auto t : {trigger::reset, trigger::connect_failure, trigger::retriable_status_codes,
                       trigger::per_try_timeout})
    CHECK(has(rule, t));
  CHECK(retry.status_codes.count() == 104);
  for (const std::size_t code : {408U, 409U, 425U, 429U, 500U, 529U, 599U})
    CHECK(retry.status_codes.test(code));
  CHECK(retry.backoff.base == 250ms);
  CHECK(retry.backoff.max == 5s);
  CHECK(retry.per_try_timeout == 300s);
  CHECK(retry.per_try_timeout_stream == 30s);
  CHECK(retry.is_immediate_on_next_priority);
  CHECK(retry.avoids_timed_out_hosts);
  REQUIRE(rule.cluster.ejection);
  CHECK(rule.cluster.ejection->consecutive_5xx == 3);
  CHECK(rule.cluster.ejection->base_ejection_time == 10s);
  CHECK(rule.cluster.ejection->interval == 3s);
  CHECK(rule.cluster.ejection->max_ejection_percent == 100);
  CHECK(rule.cluster.ejection->trial_requests == 1);
  CHECK(rule.timeouts.body_idle == 60s);
  CHECK(
      result.says("info: AIGatewayRoute default/chat: spec.rules[0]: no BackendTrafficPolicy "
                  "writes `retry`: 3 attempts a priority and 8 in all"));
  CHECK(result.says("an endpoint is ejected for 10s after 3 consecutive 5xx"));
  CHECK(result.says("no `timeouts.request`: 600s up to the first byte"));
}

TEST_CASE("what a policy writes decides which defaults remain") {
  struct row {
    const char* spec;
    std::uint32_t retries;
    bool ejects;
    std::uint32_t threshold;
  };
  const row rows[] = {
      {"  retry: {numRetries: 0}\n", 0, false, 0},
      {"  retry: {}\n", 2, false, 0},
      {"  healthCheck: {passive: {maxEjectionPercent: 100}}\n", 7, true, 5},
      {"  healthCheck: {panicThreshold: 20}\n", 7, true, 3},
      {"  timeout: {tcp: {connectTimeout: 1s}}\n", 7, true, 3},
  };
  for (const auto& r : rows) {
    INFO(r.spec);
    const auto result = compile(route("{name: openai}") + one_backend + traffic(r.spec));
    const auto& cluster = first_rule(result).cluster;
    CHECK(cluster.retry.is_present);
    CHECK(cluster.retry.num_retries == r.retries);
    REQUIRE(cluster.ejection.has_value() == r.ejects);
    if (r.ejects) CHECK(cluster.ejection->consecutive_5xx == r.threshold);
  }
}

TEST_CASE("retryOn: which triggers and codes come of what is written") {
  struct row {
    const char* retry_on;
    std::size_t triggers;
    bool has_code_trigger;
    std::vector<std::size_t> codes;
  };
  const row rows[] = {
      {"", 5, true, {503}},
      {"retryOn: {}", 5, true, {503}},
      {"retryOn: {httpStatusCodes: [500, 500]}", 5, true, {500}},
      {"retryOn: {triggers: [5xx]}", 1, false, {}},
      {"retryOn: {triggers: [retriable-status-codes], httpStatusCodes: [429]}", 1, true, {429}},
  };
  for (const auto& r : rows) {
    INFO(r.retry_on);
    const auto result = compile(route("{name: openai}") + one_backend +
                                traffic("  retry: {" + std::string{r.retry_on} + "}\n"));
    const auto& rule = first_rule(result);
    CHECK(rule.cluster.retry.triggers.count() == r.triggers);
    CHECK(has(rule, trigger::retriable_status_codes) == r.has_code_trigger);
    CHECK(rule.cluster.retry.status_codes.count() == r.codes.size());
    for (const auto code : r.codes) CHECK(rule.cluster.retry.status_codes.test(code));
  }
}

TEST_CASE("request and per-try timeouts") {
  struct row {
    const char* rule;
    const char* policy;
    std::optional<plan::milliseconds> request;
    bool is_head_only;
    std::optional<plan::milliseconds> per_try;
  };
  const char* retry = "  retry: {perRetry: {timeout: 5s}}\n";
  const row rows[] = {
      {"", "  retry: {}\n", 600s, true, std::nullopt},
      {"      timeouts: {request: 30s}\n", retry, 30s, false, 5s},
      {"      timeouts: {request: 0s}\n", retry, std::nullopt, false, 5s},
      {"      timeouts: {backendRequest: 7s}\n", "  retry: {}\n", 600s, true, 7s},
      {"      timeouts: {backendRequest: 7s}\n", retry, 600s, true, 5s},
      {"", "  retry: {}\n  timeout: {http: {requestTimeout: 20s}}\n", 20s, false, std::nullopt},
      {"      timeouts: {request: 30s}\n",
       "  retry: {}\n  timeout: {http: {requestTimeout: 20s}}\n", 30s, false, std::nullopt},
  };
  for (const auto& r : rows) {
    CAPTURE(r.rule, r.policy);
    const auto result = compile(route("{name: openai}", r.rule) + one_backend + traffic(r.policy));
    const auto& rule = first_rule(result);
    CHECK(rule.timeouts.request == r.request);
    CHECK(rule.timeouts.is_head_only == r.is_head_only);
    CHECK(rule.cluster.retry.per_try_timeout == r.per_try);
  }
}

TEST_CASE("the most specific policy wins as a whole") {
  const std::string gateway =
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
      "metadata: {name: gw, namespace: default}\nspec:\n  gatewayClassName: x\n"
      "  listeners: [{name: http, protocol: HTTP, port: 8080}]\n";
  const auto on = [](const std::string& target, int retries) {
    return traffic("  retry: {numRetries: " + std::to_string(retries) + "}\n", target,
                   "p" + std::to_string(retries));
  };
  const auto gw = on("Gateway, name: gw", 10);
  const auto listener = on("Gateway, name: gw, sectionName: http", 11);
  const auto whole = on("HTTPRoute, name: chat", 12);
  const auto rule = on("HTTPRoute, name: chat, sectionName: main", 13);
  const auto base = route("{name: openai}", "      name: main\n", "  parentRefs: [{name: gw}]\n") +
                    one_backend + gateway;
  const std::pair<std::string, std::uint32_t> rows[] = {
      {gw, 10}, {listener + gw, 11}, {gw + whole + listener, 12}, {rule + whole + gw, 13}};
  for (const auto& [policies, retries] : rows)
    CHECK(first_rule(compile(base + policies)).cluster.retry.num_retries == retries);
}

TEST_CASE("ejection as Envoy Gateway passes it on") {
  const auto result = compile(
      route("{name: openai}") + one_backend +
      traffic("  healthCheck: {passive: {maxEjectionPercent: 0, baseEjectionTime: 10m}}\n"));
  const auto& ejection = *first_rule(result).cluster.ejection;
  CHECK(ejection.max_ejection_percent == 10);
  CHECK(ejection.max_ejection_time == 600s);
  CHECK_FALSE(ejection.consecutive_gateway_errors);
}

TEST_CASE("credentials by type, white space trimmed") {
  struct row {
    const char* type;
    const char* field;
    plan::header_credential expected;
  };
  const row rows[] = {
      {"APIKey", "apiKey", {"authorization", "Bearer sk-secret-value"}},
      {"AzureAPIKey", "azureAPIKey", {"api-key", "sk-secret-value"}},
      {"AnthropicAPIKey", "anthropicAPIKey", {"x-api-key", "sk-secret-value"}},
  };
  for (const auto& r : rows) {
    const auto result = compile(route("{name: openai}") + one_backend +
                                service("openai", "name: OpenAI") + key_objects(r.type, r.field));
    const auto& auth = first_rule(result).backends.at(0).auth;
    REQUIRE(std::holds_alternative<plan::header_credential>(auth));
    CHECK(std::get<plan::header_credential>(auth) == r.expected);
    const auto shown = plan::describe_json(*result.compiled);
    CHECK(shown.find("sk-secret") == std::string::npos);
    CHECK(nlohmann::json::parse(
              shown)["routes"][0]["rules"][0]["backends"][0]["credential"]["value"] ==
          "[redacted]");
  }
}

TEST_CASE("an annotation tells what a backend serves") {
  using understudy::translate::operation;
  const auto of = [](const std::string& annotation) {
    return compile(route("{name: openai}") + one_backend +
                   "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\n"
                   "metadata:\n  name: openai\n  namespace: default\n" +
                   annotation +
                   "spec:\n  schema: {name: OpenAI}\n"
                   "  backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: openai}\n");
  };
  const auto all = of("");
  const auto& whole = first_rule(all).backends.at(0);
  CHECK(whole.operations.contains(operation::image_edits));
  CHECK(whole.upstream_operation(operation::responses) == operation::responses);
  const auto some =
      of("  annotations: {understudy.dev/operations: \" chat_completions,embeddings ,\"}\n");
  const auto& part = first_rule(some).backends.at(0);
  CHECK(part.operations.contains(operation::embeddings));
  CHECK(!part.operations.contains(operation::responses));
  CHECK(part.upstream_operation(operation::responses) == operation::chat_completions);
  const auto none = of("  annotations: {understudy.dev/operations: \" , \"}\n");
  CHECK(none.says("`understudy.dev/operations` names no operation; leave it out"));
}

TEST_CASE("the schema of a bare Backend comes from its host name") {
  using understudy::translate::schema;
  const std::pair<const char*, schema> rows[] = {
      {"bedrock-runtime.eu-west-1.amazonaws.com", schema::aws_bedrock},
      {"bedrock-runtime-fips.us-east-1.amazonaws.com", schema::aws_bedrock},
      {"me.openai.azure.com", schema::azure_openai},
      {"api.anthropic.com", schema::anthropic},
      {"us-central1-aiplatform.googleapis.com", schema::gcp_vertex_ai},
      {"api.cohere.com", schema::cohere},
      {"api.openai.com", schema::openai},
      {"bedrock-runtime.example.com", schema::openai},
      {"notapi.anthropic.com.evil.example", schema::openai},
  };
  for (const auto& [host, expected] : rows) {
    INFO(host);
    const bool is_vertex = expected == schema::gcp_vertex_ai;
    const auto result = compile(
        route("{name: b}") +
        backend("b", "fqdn: {hostname: " + std::string{host} + ", port: 443}") +
        (is_vertex ? policy("b", "GCPCredentials", "gcpCredentials", "{projectName: p, region: r}")
                   : ""));
    CHECK(first_rule(result).backends.at(0).schema == expected);
  }
}

TEST_CASE("OpenAI's API on Bedrock has its own prefix and is signed") {
  struct row {
    const char* schema;
    const char* prefix;
    bool is_signed;
  };
  const std::string endpoint =
      "fqdn: {hostname: bedrock-runtime.eu-west-1.amazonaws.com, port: 443}";
  for (const auto& r :
       {row{"name: AWSOpenAI", "openai/v1", true}, row{"name: AWSOpenAI, prefix: v1", "v1", true},
        row{"name: OpenAI", "v1", false}}) {
    INFO(r.schema);
    const auto result =
        compile(route("{name: b}") + backend("b", endpoint) + service("b", r.schema));
    const auto& made = first_rule(result).backends.at(0);
    CHECK(made.prefix == r.prefix);
    const auto* aws = std::get_if<plan::aws_credential>(&made.auth);
    CHECK((aws != nullptr) == r.is_signed);
    if (aws != nullptr) CHECK(aws->region == "eu-west-1");
  }
}

TEST_CASE("TLS: from the policy over the Backend, from port 443, or none") {
  const auto tls_of = [](const std::string& more, const std::string& endpoint) {
    return first_rule(compile(route("{name: b}") + backend("b", endpoint, more))).backends[0].tls;
  };
  const std::string at_443 = "fqdn: {hostname: h.example, port: 443}";
  const std::string at_80 = "fqdn: {hostname: h.example, port: 80}";
  CHECK_FALSE(tls_of("", at_80));
  CHECK(tls_of("", at_443) == plan::upstream_tls{});
  const auto skipped = tls_of("  tls: {insecureSkipVerify: true, sni: s.example}\n", at_80);
  REQUIRE(skipped);
  CHECK_FALSE(skipped->is_verified);
  CHECK(skipped->server_name == "s.example");
  const auto with_policy = tls_of(
      "  tls: {wellKnownCACertificates: System, sni: s.example, minVersion: \"1.3\"}\n"
      "---\napiVersion: gateway.networking.k8s.io/v1alpha3\nkind: BackendTLSPolicy\n"
      "metadata: {name: t, namespace: default}\nspec:\n"
      "  targetRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: b}]\n"
      "  validation:\n    hostname: p.example\n    caCertificateRefs: [{name: ca}]\n"
      "    subjectAltNames: [{type: Hostname, hostname: san.example}]\n"
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ca, namespace: default}\n"
      "data: {ca.crt: PEM}\n",
      at_443);
  REQUIRE(with_policy);
  CHECK(with_policy->server_name == "p.example");
  CHECK_FALSE(with_policy->uses_system_ca);
  CHECK(with_policy->ca_pem == "PEM\n");
  CHECK(with_policy->subject_alt_names == std::vector<std::string>{"san.example"});
  CHECK(with_policy->min_version == 13);
}

TEST_CASE("mutations merge: the ref wins, values become JSON, the gateway's names are left alone") {
  const auto result = compile(
      route("{name: openai, headerMutation: {set: [{name: X-A, value: ref}], remove: [x-r]}, "
            "bodyMutation: {set: [{path: tier, value: scale}, {path: n, value: \"0.5\"}]}}") +
      one_backend +
      service("openai", "name: OpenAI",
              "  headerMutation: {set: [{name: x-a, value: service}, {name: x-b, value: b}, "
              "{name: x-ai-eg-model, value: no}]}\n"
              "  bodyMutation: {set: [{path: n, value: \"1\"}, {path: o, value: ' {\"a\":1} '}], "
              "remove: [user]}\n"));
  const auto& made = first_rule(result).backends[0];
  REQUIRE(made.headers.set.size() == 2);
  CHECK(made.headers.set[0] == understudy::codec::owned_field{"x-a", "ref"});
  CHECK(made.headers.set[1] == understudy::codec::owned_field{"x-b", "b"});
  CHECK(made.headers.remove == std::vector<std::string>{"x-r"});
  REQUIRE(made.body.set.size() == 3);
  CHECK(made.body.set[0].json == "\"scale\"");
  CHECK(made.body.set[1].json == "0.5");
  CHECK(made.body.set[2].json == "{\"a\":1}");
  CHECK(made.body.remove == std::vector<std::string>{"user"});
  CHECK(
      result.says("warning: AIServiceBackend default/openai: spec.headerMutation.set[2]: "
                  "`x-ai-eg-model` belongs to the gateway"));
}

TEST_CASE("matches are tried in the gateway's order, hosts from exact to any") {
  const auto with = [](const std::string& name, const std::string& headers,
                       const std::string& hosts = "") {
    return route("{name: openai}", "      matches: [{headers: [" + headers + "]}]\n", hosts, name);
  };
  const std::string exact = "{name: x-ai-eg-model, value: m}";
  const std::string pattern = "{type: RegularExpression, name: x-ai-eg-model, value: .*}";
  const auto result = compile(
      route("{name: openai}", "", "", "any") + with("z-regex", pattern) + with("b-exact", exact) +
      with("a-exact", exact) + with("two", exact + ", {name: x-team, value: t}") +
      with("host", exact, "  hostnames: [\"*.example.com\", Api.example.com]\n") + one_backend);
  REQUIRE_FALSE(result.compiled);  // host names are lower case
  const auto good = compile(
      route("{name: openai}", "", "", "any") + with("z-regex", pattern) + with("b-exact", exact) +
      with("a-exact", exact) + with("two", exact + ", {name: x-team, value: t}") +
      with("host", exact, "  hostnames: [\"*.example.com\", api.example.com]\n") + one_backend);
  REQUIRE(good.compiled);
  const auto& hosts = good.compiled->listeners.at(0).virtual_hosts;
  REQUIRE(hosts.size() == 3);
  CHECK(hosts[0].hostname == "api.example.com");
  CHECK(hosts[1].hostname == "*.example.com");
  CHECK(hosts[2].hostname.empty());
  std::vector<std::string> order;
  for (const auto& m : hosts[2].matches) order.push_back(good.compiled->routes[m.route].name);
  CHECK(order == std::vector<std::string>{"default/two", "default/a-exact", "default/b-exact",
                                          "default/z-regex", "default/any"});
  CHECK(good.compiled->models.back().hostnames ==
        std::vector<std::string>{"*.example.com", "api.example.com"});
  CHECK(good.compiled->cluster_count == 6);
  const auto& regex = *good.compiled->routes[1].rules[0].matches[0].headers[0].pattern;
  CHECK(regex.matches(""));
  CHECK(regex.matches("anything"));
}

TEST_CASE("a regular expression must match the whole value") {
  const auto result = compile(
      route("{name: openai}",
            "      matches: [{headers: [{type: RegularExpression, name: x-ai-eg-model, value: "
            "gpt-4.*}]}]\n") +
      one_backend);
  const auto& regex = *first_rule(result).matches.at(0).headers.at(0).pattern;
  CHECK(regex.matches("gpt-4o"));
  CHECK_FALSE(regex.matches("my-gpt-4o"));
  CHECK(result.compiled->models.empty());
}

TEST_CASE("listeners of one port become one; routes attach by section and host") {
  const auto result = compile(
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
      "metadata: {name: gw, namespace: default}\nspec:\n  gatewayClassName: x\n  listeners:\n"
      "    - {name: a, protocol: HTTP, port: 8080, hostname: a.example.com}\n"
      "    - {name: b, protocol: HTTP, port: 8080, hostname: \"*.example.org\"}\n"
      "    - {name: c, protocol: HTTP, port: 9090}\n" +
      route("{name: openai}", "",
            "  parentRefs: [{name: gw, sectionName: b}]\n  hostnames: "
            "[x.example.org, y.example.com]\n",
            "one") +
      route("{name: openai}", "", "  parentRefs: [{name: gw}]\n", "two") +
      route("{name: openai}", "", "", "lost") + one_backend);
  REQUIRE(result.compiled);
  const auto& listeners = result.compiled->listeners;
  REQUIRE(listeners.size() == 2);
  CHECK(listeners[0].port == 8080);
  CHECK(listeners[0].address.empty());
  std::vector<std::string> hosts;
  for (const auto& host : listeners[0].virtual_hosts) hosts.push_back(host.hostname);
  CHECK(hosts == std::vector<std::string>{"a.example.com", "x.example.org", "*.example.org"});
  REQUIRE(listeners[1].virtual_hosts.size() == 1);
  CHECK(listeners[1].virtual_hosts[0].matches.size() == 1);
  CHECK(
      result.says("warning: AIGatewayRoute default/lost: spec.parentRefs: not written: no "
                  "Gateway serves the route; name one"));
}

TEST_CASE("a plain HTTPRoute is never retried unasked") {
  const std::string web =
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
      "metadata: {name: chat, namespace: default}\nspec:\n  rules:\n"
      "    - matches:\n        - path: {type: Exact, value: /a}\n          method: GET\n"
      "        - path: {value: /b}\n          queryParams: [{name: Q, value: \"1\"}]\n"
      "      filters:\n        - type: RequestHeaderModifier\n"
      "          requestHeaderModifier: {set: [{name: X-T, value: v}], remove: [X-U]}\n"
      "      backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: openai}]\n";
  const auto result = compile(web + one_backend);
  const auto& rule = first_rule(result);
  CHECK_FALSE(rule.is_ai);
  CHECK_FALSE(rule.cluster.retry.is_present);
  CHECK_FALSE(rule.cluster.ejection);
  CHECK(rule.matches.at(0).path_kind == plan::path_match_kind::exact);
  CHECK(rule.matches[0].method == "GET");
  CHECK(rule.matches.at(1).query.at(0).name == "Q");
  CHECK(rule.request_headers.set.at(0) == understudy::codec::owned_field{"x-t", "v"});
  CHECK(rule.request_headers.remove == std::vector<std::string>{"x-u"});
  CHECK(first_rule(compile(web + "      retry: {attempts: 4, codes: [500]}\n" + one_backend +
                           traffic("  retry: {numRetries: 9}\n")))
            .cluster.retry.num_retries == 4);
}

TEST_CASE("`fallback: true` is priority 1 unless the ref says otherwise") {
  const auto b =
      backend("openai", local_endpoint, "  fallback: true\n") + backend("other", local_endpoint);
  CHECK(first_rule(compile(route("{name: openai}, {name: other}") + b)).backends[0].priority == 1);
  CHECK(first_rule(compile(route("{name: openai, priority: 0}, {name: other}") + b))
            .backends[0]
            .priority == 0);
}

TEST_CASE("a ReferenceGrant opens another namespace") {
  auto there = one_backend;
  there.replace(there.find("namespace: default"), 18, "namespace: other");
  const std::string grant =
      "---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n"
      "metadata: {name: g, namespace: other}\nspec:\n"
      "  from: [{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, namespace: default}]\n"
      "  to: [{group: gateway.envoyproxy.io, kind: Backend}]\n";
  const auto refs = route("{name: openai, namespace: other}");
  CHECK_FALSE(compile(refs + there).compiled);
  CHECK(first_rule(compile(refs + there + grant)).backends[0].backend_namespace == "other");
}

TEST_CASE("client limits") {
  const auto defaults = compile(route("{name: openai}") + one_backend);
  CHECK(defaults.compiled->limits.max_body_bytes == 50U << 20U);
  const auto result =
      compile(route("{name: openai}", "", "  parentRefs: [{name: gw}]\n") + one_backend +
              "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: ClientTrafficPolicy\n"
              "metadata: {name: c, namespace: default}\nspec:\n"
              "  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: gw}\n"
              "  connection: {bufferLimit: 1Mi, connectionLimit: {value: 7}}\n"
              "  timeout: {http: {requestReceivedTimeout: 9s, requestHeadersReceivedTimeout: 0s, "
              "idleTimeout: 8s, streamIdleTimeout: 6s}}\n"
              "  headers: {withUnderscoresAction: Allow}\n");
  REQUIRE(result.compiled);
  const auto& limits = result.compiled->limits;
  CHECK(limits.max_body_bytes == 1U << 20U);
  CHECK(limits.max_connections == 7);
  CHECK(limits.request_body == 9s);
  CHECK(limits.request_headers > std::chrono::hours{24 * 30});  // zero is no limit
  CHECK(limits.idle == 8s);
  CHECK_FALSE(limits.rejects_underscores);
  const auto& timeouts = first_rule(result).timeouts;
  CHECK(timeouts.stream_idle == 6s);
  CHECK_FALSE(timeouts.body_idle);
}

TEST_CASE("breakers, balancing and panic") {
  const auto result = compile(
      route("{name: openai}") + one_backend +
      traffic("  loadBalancer: {type: RoundRobin}\n  healthCheck: {panicThreshold: 0}\n"
              "  circuitBreaker: {maxParallelRequests: 5, maxParallelRetries: 2, retryBudget: "
              "{percent: {numerator: 1, denominator: 4}}}\n"));
  const auto& cluster = first_rule(result).cluster;
  CHECK(cluster.load_balancer == understudy::resilience::balancing::round_robin);
  CHECK(cluster.panic_threshold == 0);
  CHECK(cluster.breaker.max_parallel_requests == 5);
  CHECK(cluster.breaker.max_parallel_retries == 2);
  REQUIRE(cluster.breaker.retry_budget);
  CHECK(cluster.breaker.retry_budget->percent == 25);
  CHECK(cluster.breaker.retry_budget->min_retry_concurrency == 3);
}
