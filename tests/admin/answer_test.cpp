#include <understudy/admin/answer.hpp>

#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::admin;

namespace {

struct recorder {
  std::vector<std::string> calls, audited;
  bool is_ready = true;
  reload_result reloaded{true, ""};
  telemetry::event_ring ring;

  hooks all() {
    hooks h;
    h.is_ready = [this] { return is_ready; };
    h.status_json = [] { return R"({"state":"serving"})"; };
    h.config_json = [] { return R"({"generation":1})"; };
    h.metrics = [](bool is_openmetrics) { return is_openmetrics ? "open\n" : "plain\n"; };
    h.drain = [this] { calls.push_back("drain"); };
    h.reload = [this] {
      calls.push_back("reload");
      return reloaded;
    };
    h.set_ejected = [this](const std::string& route, const std::string& backend,
                           const std::string& address, bool is_eject) {
      calls.push_back((is_eject ? "eject " : "uneject ") + route + " " + backend + " " + address);
      return backend != "unknown";
    };
    h.stories = [](const telemetry::story_filter&) {
      return std::vector<telemetry::request_story>{};
    };
    h.story = [](std::string_view id) -> std::optional<telemetry::request_story> {
      if (id != "a/b") return std::nullopt;
      telemetry::request_story story;
      story.request_id = id;
      return story;
    };
    h.kept_stories = 1'000;
    h.audit = [this](const audit_entry& e) {
      audited.push_back(e.client + " " + e.action + " " + e.target + " " +
                        std::to_string(e.status));
    };
    h.events = &ring;
    return h;
  }
};

request local(std::string_view method, std::string_view target) {
  request r;
  r.method = method;
  r.target = target;
  r.host = "127.0.0.1:1064";
  return r;
}

}  // namespace

TEST_CASE("every path answers as the interface says") {
  struct row {
    std::string_view method, target;
    int status;
    std::string_view content_type;  ///< empty: not looked at
  };
  const row rows[] = {
      {"GET", "/", 200, "text/html; charset=utf-8"},
      {"GET", "/health", 200, "text/plain; charset=utf-8"},
      {"GET", "/healthz", 200, ""},
      {"GET", "/livez", 200, ""},
      {"HEAD", "/health", 200, ""},
      {"GET", "/ready", 200, ""},
      {"GET", "/readyz?verbose", 200, ""},
      {"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"},
      {"GET", "/status", 200, "application/json"},
      {"GET", "/config", 200, "application/json"},
      {"GET", "/events", 200, "text/event-stream"},
      {"GET", "/requests", 200, "application/json"},
      {"GET", "/requests?route=default%2Fr&only=errors", 200, "application/json"},
      {"GET", "/requests?colour=red", 400, "application/json"},
      {"GET", "/requests/a%2Fb", 200, "application/json"},
      {"GET", "/requests/none", 404, "application/json"},
      {"GET", "/requests/%z", 404, "application/json"},
      {"POST", "/requests", 405, ""},
      {"POST", "/requests/a", 405, ""},
      {"POST", "/drain", 202, "application/json"},
      {"POST", "/reload", 200, "application/json"},
      {"POST", "/endpoints/default/r/a/10.0.0.1:443/eject", 200, "application/json"},
      {"GET", "/nowhere", 404, "application/json"},
      {"POST", "/nowhere", 404, "application/json"},
      {"GET", "/health/", 404, ""},
      {"GET", "", 404, ""},
      {"GET", "//", 404, ""},
      {"GET", "http://127.0.0.1/health", 404, ""},
      {"POST", "/health", 405, ""},
      {"DELETE", "/status", 405, ""},
      {"POST", "/", 405, ""},
      {"GET", "/drain", 405, ""},
      {"GET", "/reload", 405, ""},
      {"GET", "/endpoints/default/r/a/x/eject", 405, ""},
      {"POST", "/endpoints/default/r/a/x/explode", 404, ""},
      {"POST", "/endpoints/eject", 404, ""},
      {"POST", "/endpoints/a/x/eject", 404, ""},
      {"POST", "/endpoints/r/a/%zz/eject", 404, ""},
      {"POST", "/endpoints/r/a/%4/eject", 404, ""},
      {"POST", "/endpoints/r/unknown/x/eject", 404, ""},
  };
  recorder rec;
  for (const auto& r : rows) {
    CAPTURE(r.method, r.target);
    const auto out = answer(local(r.method, r.target), "", rec.all());
    CHECK(out.status == r.status);
    if (!r.content_type.empty()) CHECK(out.content_type == r.content_type);
    if (out.content_type == "application/json") CHECK(nlohmann::json::accept(out.body));
    if (r.status == 405) CHECK_FALSE(out.allow.empty());
  }
}

TEST_CASE("actions reach their hooks with decoded names") {
  recorder rec;
  answer(local("POST", "/endpoints/default/r/a/10.0.0.1:443/eject"), "", rec.all());
  answer(local("POST", "/endpoints/default%2Fr/a%2fb/%5B::1%5D:443/uneject?x"), "", rec.all());
  answer(local("POST", "/drain"), "", rec.all());
  CHECK(rec.calls == std::vector<std::string>{"eject default/r a 10.0.0.1:443",
                                              "uneject default/r a/b [::1]:443", "drain"});
}

TEST_CASE("every action is audited, with who and how it went") {
  recorder rec;
  rec.reloaded = {false, ""};
  auto r = local("POST", "/endpoints/default/r/a/10.0.0.1:443/eject");
  r.client = "127.0.0.9";
  answer(r, "", rec.all());
  r.target = "/endpoints/default/r/unknown/10.0.0.1:443/uneject";
  answer(r, "", rec.all());
  r.target = "/reload";
  answer(r, "", rec.all());
  r.target = "/drain";
  answer(r, "token", rec.all());
  r.target = "/status";  // no action
  answer(r, "", rec.all());
  r.method = "GET";
  r.target = "/drain";
  answer(r, "", rec.all());
  CHECK(rec.audited ==
        std::vector<std::string>{"127.0.0.9 eject default/r/a/10.0.0.1:443 200",
                                 "127.0.0.9 uneject default/r/unknown/10.0.0.1:443 404",
                                 "127.0.0.9 reload  422", "127.0.0.9 drain  401"});
}

TEST_CASE("a refused reload tells its findings") {
  recorder rec;
  rec.reloaded = {false, "a.yaml:1:2: error: \"x\"\nb.yaml:3:4: error: y\n"};
  const auto out = answer(local("POST", "/reload"), "", rec.all());
  CHECK(out.status == 422);
  CHECK(nlohmann::json::parse(out.body) ==
        nlohmann::json{{"accepted", false},
                       {"findings", {"a.yaml:1:2: error: \"x\"", "b.yaml:3:4: error: y"}}});
}

TEST_CASE("not ready is 503, and still healthy") {
  recorder rec;
  rec.is_ready = false;
  CHECK(answer(local("GET", "/ready"), "", rec.all()).status == 503);
  CHECK(answer(local("GET", "/health"), "", rec.all()).status == 200);
}

TEST_CASE("OpenMetrics by Accept") {
  recorder rec;
  auto r = local("GET", "/metrics");
  r.accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
  const auto out = answer(r, "", rec.all());
  CHECK(out.body == "open\n");
  CHECK(out.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST_CASE("with a token nothing goes without it") {
  recorder rec;
  const std::string_view secret = "s3cret";
  struct row {
    std::string_view authorization;
    int status;
  };
  const row rows[] = {
      {"Bearer s3cret", 200},  {"bearer  s3cret ", 200}, {"", 401},
      {"Bearer", 401},         {"Bearer ", 401},         {"Bearer s3cre", 401},
      {"Bearer s3cretx", 401}, {"Basic s3cret", 401},    {"s3cret", 401},
  };
  for (const auto& row : rows) {
    CAPTURE(row.authorization);
    for (const auto path : {"/health", "/ready", "/metrics", "/status", "/config", "/events",
                            "/requests", "/requests/a%2Fb"}) {
      auto r = local("GET", path);
      r.authorization = row.authorization;
      const auto out = answer(r, secret, rec.all());
      CHECK(out.status == row.status);
      CHECK(out.body.find(secret) == std::string::npos);
    }
  }
  CHECK(answer(local("POST", "/drain"), secret, rec.all()).status == 401);
  CHECK(answer(local("GET", "/nowhere"), secret, rec.all()).status == 401);
  CHECK(rec.calls.empty());
  // The page has no data and asks for the token itself.
  const auto page = answer(local("GET", "/"), secret, rec.all());
  CHECK(page.status == 401);
  CHECK(page.content_type == "text/html; charset=utf-8");
}

TEST_CASE("without a token only local names may look and act") {
  recorder rec;
  struct row {
    std::string_view host;
    bool is_allowed;
  };
  const row rows[] = {
      {"127.0.0.1", true},
      {"127.0.0.1:1064", true},
      {"[::1]:1064", true},
      {"localhost:1064", true},
      {"LOCALHOST", true},
      {"app.localhost", true},
      {"evil.example", false},
      {"evil.example:1064", false},
      {"", false},
      {"127.0.0.1.evil.example", false},
      {"localhost.evil.example", false},
      {"evillocalhost", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.host);
    for (const auto path : {"/status", "/config", "/", "/events", "/requests", "/requests/a%2Fb"}) {
      auto r = local("GET", path);
      r.host = row.host;
      CHECK(answer(r, "", rec.all()).status == (row.is_allowed ? 200 : 403));
    }
    auto act = local("POST", "/drain");
    act.host = row.host;
    CHECK(answer(act, "", rec.all()).status == (row.is_allowed ? 202 : 403));
    for (const auto path : {"/health", "/ready", "/metrics"}) {
      auto r = local("GET", path);
      r.host = row.host;
      CHECK(answer(r, "", rec.all()).status == 200);
    }
  }
}

TEST_CASE("other sites' pages cannot act") {
  recorder rec;
  struct row {
    std::string_view origin, fetch_site;
    int status;
  };
  const row rows[] = {
      {"", "", 202},
      {"http://127.0.0.1:1064", "same-origin", 202},
      {"", "none", 202},
      {"https://evil.example", "", 403},
      {"http://127.0.0.1:8080", "", 403},
      {"null", "", 403},
      {"", "cross-site", 403},
      {"", "same-site", 403},
  };
  for (const auto& row : rows) {
    CAPTURE(row.origin, row.fetch_site);
    auto r = local("POST", "/drain");
    r.origin = row.origin;
    r.fetch_site = row.fetch_site;
    CHECK(answer(r, "", rec.all()).status == row.status);
  }
}

TEST_CASE("the page allows its own script and style and nothing else") {
  recorder rec;
  const auto page = answer(local("GET", "/"), "", rec.all());
  CHECK(page.content_security_policy.starts_with("default-src 'none'; script-src 'sha256-"));
  CHECK(page.content_security_policy.find("style-src 'sha256-") != std::string::npos);
  CHECK(page.content_security_policy.find("unsafe") == std::string::npos);
  CHECK(page.content_security_policy.find("require-trusted-types-for 'script'") !=
        std::string::npos);
  // Names of XML are no addresses that anything is fetched from.
  auto body = page.body;
  const std::string_view name = "http://www.w3.org/2000/svg";
  for (auto at = body.find(name); at != std::string::npos; at = body.find(name))
    body.erase(at, name.size());
  CHECK(body.find("http://") == std::string::npos);
  CHECK(body.find("https://") == std::string::npos);
  CHECK(body.find("innerHTML") == std::string::npos);
  CHECK(page.body.find("style=\"") == std::string::npos);  // the policy would refuse it
  CHECK(page.body.find(" src=") == std::string::npos);
}

TEST_CASE("what has no hook is not there") {
  for (const auto path : {"/metrics", "/status", "/config", "/events", "/requests", "/requests/a"})
    CHECK(answer(local("GET", path), "", {}).status == 404);
  for (const auto path : {"/drain", "/reload", "/endpoints/r/b/a/eject"})
    CHECK(answer(local("POST", path), "", {}).status == 404);
  CHECK(answer(local("GET", "/ready"), "", {}).status == 200);
  CHECK(answer(local("GET", "/" + std::string(5'000, 'x')), "", {}).status == 414);
}
