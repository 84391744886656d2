#include <understudy/admin/status.hpp>

#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::admin;
using nlohmann::json;

namespace {

constexpr const char* secret = "TOPSECRET";

plan::backend backend(const char* name, std::uint32_t priority) {
  plan::backend b;
  b.name = name;
  b.backend_namespace = "default";
  b.priority = priority;
  return b;
}

plan::plan example() {
  plan::plan p;
  p.generation = 7;
  p.cluster_count = 1;
  p.listeners.emplace_back().certificates.push_back({secret, secret});
  auto& route = p.routes.emplace_back();
  route.name = "default/r";
  route.position = {"a.yaml", 12, 3};
  auto& rule = route.rules.emplace_back();
  rule.name = "default/r/rule/0";
  rule.backends = {backend("a", 0), backend("b", 1)};
  auto& a = rule.backends[0];
  a.auth = plan::header_credential{"authorization", std::string{"Bearer "} + secret};
  a.headers.set = {{"x-key", secret}};
  a.body.set = {{"user", std::string{"\""} + secret + "\""}};
  a.tls.emplace();
  a.tls->private_key_pem = a.tls->certificate_pem = secret;
  rule.backends[1].auth = plan::aws_credential{"us-east-1", secret, "work"};
  rule.request_headers.set = rule.response_headers.set = {{"x-other", secret}};
  plan::match m;
  m.headers = {{"x-ai-eg-model", "gpt", {}}, {"authorization", secret, {}}};
  m.query = {{"key", secret, {}}};
  rule.matches = {m};
  return p;
}

resilience::host_status host(std::uint32_t locality, const char* address) {
  resilience::host_status h{};
  h.locality = locality;
  h.address = address;
  return h;
}

telemetry::hub_options silent() {
  telemetry::hub_options options;
  options.access_log_fd = -1;
  return options;
}

}  // namespace

TEST_CASE("status shows priorities, load and endpoints") {
  const auto p = example();
  const telemetry::hub hub{silent()};
  status_view view;
  view.plan = &p;
  view.now = base::time_point{std::chrono::seconds{100}};
  view.started = base::wall_time{std::chrono::seconds{1'767'323'045}};
  view.wall_now = view.started + std::chrono::seconds{61};
  auto ejected = host(0, "10.0.0.1:443");
  ejected.is_ejected = true;
  ejected.ejected_until = view.now + std::chrono::milliseconds{2'500};
  ejected.ejections = 3;
  auto trial = host(1, "10.0.0.2:443");
  trial.is_in_trial = true;
  view.clusters = {{{0, 100}, {ejected, trial, host(1, "10.0.0.3:443")}}};

  const auto out = json::parse(status_json(view, hub));
  CHECK(out["state"] == "serving");
  CHECK(out["generation"] == 7);
  CHECK(out["uptime_seconds"] == 61);
  CHECK(out["summary"]["requests"] == 0);
  CHECK(out["events"].empty());
  CHECK(out["routes"][0]["source"] == "a.yaml:12");
  const auto& priorities = out["routes"][0]["rules"][0]["priorities"];
  REQUIRE(priorities.size() == 2);
  CHECK(priorities[0]["load_percent"] == 0);
  CHECK(priorities[1]["load_percent"] == 100);
  const auto& first = priorities[0]["backends"][0];
  CHECK(first["name"] == "a");
  CHECK(first["endpoints"][0]["state"] == "ejected");
  CHECK(first["endpoints"][0]["returns_in_ms"] == 2'500);
  CHECK(first["endpoints"][0]["ejected_until"] == "2026-01-02T03:05:08.500Z");
  CHECK(first["endpoints"][0]["ejections"] == 3);
  const auto& second = priorities[1]["backends"][0]["endpoints"];
  REQUIRE(second.size() == 2);
  CHECK(second[0]["state"] == "trial");
  CHECK(second[1]["state"] == "healthy");
}

TEST_CASE("status before anything is known") {
  const auto p = example();
  const telemetry::hub hub{silent()};
  CHECK(json::parse(status_json({}, hub))["routes"].empty());
  status_view view;
  view.plan = &p;
  const auto out = json::parse(status_json(view, hub));
  CHECK(out["routes"][0]["rules"][0]["priorities"][0]["backends"][0]["endpoints"].empty());
}

TEST_CASE("the latest events come first, at most fifty") {
  telemetry::hub hub{silent()};
  for (int i = 0; i < 60; ++i) hub.events().publish({});
  const auto out = json::parse(status_json({}, hub));
  REQUIRE(out["events"].size() == 50);
  CHECK(out["events"][0]["id"] == 60);
}

TEST_CASE("the configuration is shown without its secrets") {
  const auto text = config_json(example());
  CHECK(text.find(secret) == std::string::npos);
  const auto out = json::parse(text);
  CHECK(out["generation"] == 7);
  CHECK(out["listeners"][0]["tls"] == true);
  const auto& rule = out["routes"][0]["rules"][0];
  CHECK(rule["matches"][0]["headers"][0]["value"] == "gpt");
  CHECK(rule["backends"][0]["credential"]["header"] == "authorization");
  CHECK(rule["backends"][1]["credential"]["source"] == "secret");
  CHECK(rule["backends"][0]["header_mutation"]["set"] == json{"x-key"});
  CHECK(out["routes"][0]["source"] == "a.yaml:12:3");
  CHECK(rule["circuit_breakers"]["max_parallel_requests"] == 1024);
}

TEST_CASE("every value of the configuration has its origin") {
  auto p = example();
  auto& rule = p.routes[0].rules[0];
  rule.position = {"a.yaml", 14, 5};
  rule.written = {{"BackendTrafficPolicy default/p", "spec.retry.numRetries", {"p.yaml", 9, 17}}};
  p.limits.written = {
      {"ClientTrafficPolicy default/c", "spec.connection.bufferLimit", {"c.yaml", 3, 4}}};
  const auto out = json::parse(config_json(p));
  const auto& origins = out["routes"][0]["rules"][0]["origins"];
  CHECK(origins["retry.num_retries"] == json{{"object", "BackendTrafficPolicy default/p"},
                                             {"field", "spec.retry.numRetries"},
                                             {"at", "p.yaml:9:17"},
                                             {"default", false}});
  CHECK(origins["timeouts.request"]["default"] == true);
  CHECK(origins["timeouts.request"]["at"] == "a.yaml:14:5");
  CHECK(out["limits"]["origins"][0]["at"] == "c.yaml:3:4");
}
