#include <understudy/proxy/router.hpp>

#include "../../src/plan/regex.hpp"
#include "catch.hpp"

using namespace understudy;
using plan::path_match_kind;

namespace {

plan::regex pattern(std::string_view text) {
  std::string problem;
  auto made = plan::compile_regex(text, problem);
  REQUIRE(made);
  return *made;
}

/// One rule with one match, on a listener for every host.
struct one_rule {
  plan::plan configuration;

  explicit one_rule(plan::match m) {
    plan::rule rule;
    rule.name = "default/r/rule/0";
    rule.matches.push_back(std::move(m));
    configuration.routes.emplace_back().rules.push_back(std::move(rule));
    plan::virtual_host host;
    host.matches = {{0, 0, 0}};
    configuration.listeners.emplace_back().virtual_hosts.push_back(std::move(host));
    plan::index_matches(configuration);
  }
  bool matches(const proxy::match_input& input) const {
    return proxy::match(configuration, configuration.listeners[0], input).rule != nullptr;
  }
};

plan::match path(path_match_kind kind, std::string text) {
  plan::match m;
  m.path_kind = kind;
  m.path = std::move(text);
  if (kind == path_match_kind::regular_expression) m.path_pattern = pattern(m.path);
  return m;
}

proxy::match_input input_of(std::string_view path, const codec::field_list& fields) {
  proxy::match_input input;
  input.host = "any.example";
  input.method = "POST";
  input.path = path;
  input.fields = &fields;
  return input;
}

}  // namespace

TEST_CASE("a path matches by segment, exactly or as a pattern") {
  struct row {
    path_match_kind kind;
    const char* wanted;
    const char* path;
    bool is_match;
  };
  const auto r = GENERATE(values<row>({
      {path_match_kind::prefix, "/", "/", true},
      {path_match_kind::prefix, "/", "/v1/messages", true},
      {path_match_kind::prefix, "/v1", "/v1", true},
      {path_match_kind::prefix, "/v1", "/v1/", true},
      {path_match_kind::prefix, "/v1", "/v1/x", true},
      {path_match_kind::prefix, "/v1", "/v10", false},
      {path_match_kind::prefix, "/v1", "/V1", false},
      {path_match_kind::prefix, "/v1", "/v", false},
      {path_match_kind::prefix, "/v1/", "/v1", true},
      {path_match_kind::prefix, "/v1/", "/v1/x", true},
      {path_match_kind::prefix, "/v1/", "/v10", false},
      {path_match_kind::exact, "/v1", "/v1", true},
      {path_match_kind::exact, "/v1", "/v1/", false},
      {path_match_kind::exact, "/v1", "/v1/x", false},
      {path_match_kind::regular_expression, "/v[12]/.*", "/v2/x", true},
      {path_match_kind::regular_expression, "/v[12]/.*", "/v3/x", false},
      {path_match_kind::regular_expression, "/v1", "/v1/x", false},
      {path_match_kind::regular_expression, "v1", "/v1", false},
  }));
  CAPTURE(r.wanted, r.path);
  const codec::field_list fields;
  CHECK(one_rule{path(r.kind, r.wanted)}.matches(input_of(r.path, fields)) == r.is_match);
}

TEST_CASE("header, model, method and query must all hold") {
  plan::match m;
  m.method = "POST";
  m.headers.push_back({"x-ai-eg-model", "gpt-4o", std::nullopt});
  m.headers.push_back({"x-tier", "", pattern("gold|silver")});
  m.query.push_back({"region", "eu", std::nullopt});
  const one_rule rule{m};

  struct row {
    const char* what;
    const char* method;
    const char* model;
    const char* tier;
    const char* query;
    bool is_match;
  };
  const auto r = GENERATE(values<row>({
      {"all", "POST", "gpt-4o", "gold", "region=eu", true},
      {"method", "GET", "gpt-4o", "gold", "region=eu", false},
      {"model", "POST", "gpt-4", "gold", "region=eu", false},
      {"the model's case", "POST", "GPT-4o", "gold", "region=eu", false},
      {"no model", "POST", "", "gold", "region=eu", false},
      {"pattern", "POST", "gpt-4o", "golden", "region=eu", false},
      {"no header", "POST", "gpt-4o", nullptr, "region=eu", false},
      {"no query", "POST", "gpt-4o", "gold", "", false},
      {"later query", "POST", "gpt-4o", "silver", "a=b&&region=eu&c", true},
      {"first of a name", "POST", "gpt-4o", "gold", "region=us&region=eu", false},
      {"without value", "POST", "gpt-4o", "gold", "region", false},
      {"longer name", "POST", "gpt-4o", "gold", "regions=eu", false},
  }));
  CAPTURE(r.what);
  codec::field_list fields;
  if (r.tier != nullptr) fields.add("X-Tier", r.tier);
  auto input = input_of("/v1/chat/completions", fields);
  input.method = r.method;
  input.model = r.model;
  input.query = r.query;
  CHECK(rule.matches(input) == r.is_match);
}

TEST_CASE("the client's own x-ai-eg fields are never looked at") {
  codec::field_list fields;
  fields.add("x-ai-eg-model", "gpt-4o");
  fields.add("x-ai-eg-team", "a");
  plan::match by_model, by_other;
  by_model.headers.push_back({"x-ai-eg-model", "gpt-4o", std::nullopt});
  by_other.headers.push_back({"x-ai-eg-team", "a", std::nullopt});
  CHECK_FALSE(one_rule{by_model}.matches(input_of("/", fields)));
  CHECK_FALSE(one_rule{by_other}.matches(input_of("/", fields)));
  auto input = input_of("/", fields);
  input.model = "gpt-4o";
  CHECK(one_rule{by_model}.matches(input));
}

TEST_CASE("a hostname matches a host") {
  struct row {
    const char* pattern;
    const char* host;
    bool is_match;
  };
  const auto r = GENERATE(values<row>({
      {"", "any", true},
      {"", "", true},
      {"a.example", "A.EXAMPLE", true},
      {"a.example", "b.a.example", false},
      {"*.example", "a.example", true},
      {"*.example", "A.B.Example", true},
      {"*.example", "example", false},
      {"*.example", ".example", false},
      {"*.example", "aexample", false},
  }));
  CAPTURE(r.pattern, r.host);
  CHECK(proxy::hostname_matches(r.pattern, r.host) == r.is_match);
}

TEST_CASE("a host loses its port") {
  CHECK(proxy::without_port("a.example:8080") == "a.example");
  CHECK(proxy::without_port("a.example") == "a.example");
  CHECK(proxy::without_port("[::1]:8080") == "[::1]");
  CHECK(proxy::without_port("[::1]") == "[::1]");
  CHECK(proxy::without_port("") == "");
}

TEST_CASE("the first virtual host alone is asked, its matches in order") {
  plan::plan p;
  auto& listener = p.listeners.emplace_back();
  const auto add = [&](std::string host, std::vector<plan::match> matches) {
    auto& route = p.routes.emplace_back();
    route.name = host;
    route.rules.emplace_back().matches = std::move(matches);
    const auto index = static_cast<std::uint32_t>(p.routes.size() - 1);
    plan::virtual_host v;
    v.hostname = std::move(host);
    const auto count = std::max<std::size_t>(1, route.rules[0].matches.size());
    for (std::uint32_t i = 0; i < count; ++i) v.matches.push_back({index, 0, i});
    listener.virtual_hosts.push_back(std::move(v));
  };
  add("api.example", {path(path_match_kind::exact, "/a"), path(path_match_kind::prefix, "/v1")});
  add("*.example", {});
  add("*.b.test", {path(path_match_kind::prefix, "/v1")});
  plan::index_matches(p);

  struct row {
    const char* host;
    const char* path;
    const char* route;  ///< null: no rule
    bool is_known;
  };
  const auto r = GENERATE(values<row>({
      {"api.example", "/a", "api.example", true},
      {"API.example:8080", "/v1/x", "api.example", true},
      {"api.example", "/b", nullptr, true},
      {"other.example", "/b", "*.example", true},
      {"a.b.test", "/v1", "*.b.test", true},
      {"a.b.test", "/v2", nullptr, true},
      {"b.test", "/v1", nullptr, false},
      {"", "/v1", nullptr, false},
  }));
  CAPTURE(r.host, r.path);
  const codec::field_list fields;
  auto input = input_of(r.path, fields);
  input.host = r.host;
  const auto found = proxy::match(p, listener, input);
  CHECK(found.is_host_known == r.is_known);
  CHECK((found.route != nullptr) == (r.route != nullptr));
  CHECK((found.rule != nullptr) == (r.route != nullptr));
  if (found.route != nullptr && r.route != nullptr) CHECK(found.route->name == r.route);
}

TEST_CASE("a model's own matches and all others are tried in one order") {
  // What each match wants of the model: itself, a pattern or nothing.
  const std::vector<const char*> wanted{"a", "b*", "", "a", "b", "c", "*", "c"};
  const auto first = GENERATE(range(0, 8));
  plan::plan p;
  auto& host = p.listeners.emplace_back().virtual_hosts.emplace_back();
  auto& route = p.routes.emplace_back();
  for (std::uint32_t i = 0; i < wanted.size(); ++i) {
    const std::string model = wanted[(i + static_cast<std::size_t>(first)) % wanted.size()];
    plan::match m = path(path_match_kind::prefix, "/");
    if (!model.empty()) {
      auto& header = m.headers.emplace_back();
      header.name = plan::model_header;
      header.value = model;
      if (model.back() == '*') header.pattern = pattern(model == "*" ? ".*" : "b.*");
    }
    auto& rule = route.rules.emplace_back();
    rule.matches.push_back(std::move(m));
    host.matches.push_back({0, i, 0});
  }
  plan::index_matches(p);
  const codec::field_list fields;
  for (const std::string model : {"a", "b", "bb", "c", "d", ""}) {
    CAPTURE(first, model);
    const plan::rule* expected = nullptr;
    for (std::uint32_t i = 0; i < wanted.size() && expected == nullptr; ++i) {
      const std::string want = wanted[(i + static_cast<std::size_t>(first)) % wanted.size()];
      const bool fits =
          want.empty() || want == "*" || want == model || (want == "b*" && model.starts_with('b'));
      if (fits) expected = &route.rules[i];
    }
    auto input = input_of("/v1/chat/completions", fields);
    input.model = model;
    CHECK(proxy::match(p, p.listeners[0], input).rule == expected);
  }
}
