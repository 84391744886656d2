#include <map>
#include <string>

#include <understudy/config/documents.hpp>
#include <understudy/config/environment.hpp>

#include "catch.hpp"

using namespace understudy::config;

namespace {

using variables = std::map<std::string, std::string>;

auto lookup(const variables& values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional{found->second};
  };
}

load_result load(const variables& values) {
  const auto made = environment_configuration(lookup(values));
  REQUIRE(made);
  load_options options;
  options.environment = lookup(values);
  auto result = load_texts({*made}, options);
  for (const auto& f : result.findings) CHECK(to_text(f) == "");
  return result;
}

}  // namespace

TEST_CASE("no key, no configuration") {
  CHECK_FALSE(environment_configuration(lookup({})));
  CHECK_FALSE(environment_configuration(lookup({{"OPENAI_API_KEY", ""}})));
  CHECK_FALSE(environment_configuration(lookup({{"AZURE_OPENAI_API_KEY", "k"}})));
  CHECK_FALSE(environment_configuration(
      lookup({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}})));
  CHECK_FALSE(environment_configuration(lookup({{"AWS_REGION", "us-east-1"}})));
}

TEST_CASE("every provider with a key, in order, without its key in the text") {
  const variables all{{"OPENAI_API_KEY", "sk-openai-secret"},
                      {"ANTHROPIC_API_KEY", "sk-anthropic-secret"},
                      {"AZURE_OPENAI_API_KEY", "azure-secret"},
                      {"AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com/"},
                      {"AWS_ACCESS_KEY_ID", "aws-secret-1"},
                      {"AWS_SECRET_ACCESS_KEY", "aws-secret-2"},
                      {"AWS_REGION", "eu-west-1"}};
  CHECK(environment_configuration(lookup(all))->text.find("-secret") == std::string::npos);
  const auto result = load(all);
  const auto& refs = result.loaded->ai_routes.at(0).rules.at(0).backends;
  REQUIRE(refs.size() == 4);
  const char* names[] = {"openai", "anthropic", "azure-openai", "aws-bedrock"};
  for (std::uint32_t i = 0; i < 4; ++i) {
    CHECK(refs[i].name.value == names[i]);
    CHECK(refs[i].priority.value == i);
  }
  CHECK(result.loaded->ai_routes[0].rules[0].matches.at(0).headers.at(0).value.value == ".*");
  CHECK(result.loaded->backends.at(2).endpoints.at(0).host.value == "me.openai.azure.com");
  CHECK(result.loaded->backends.at(3).endpoints.at(0).host.value ==
        "bedrock-runtime.eu-west-1.amazonaws.com");
  CHECK(result.loaded->secrets.at(0).values.at("apiKey") == "sk-openai-secret");
}

TEST_CASE("the base URL gives host, port, TLS and prefix") {
  struct row {
    const char* url;
    const char* host;
    int port;
    bool is_tls;
    const char* prefix;
  };
  const row rows[] = {
      {"https://api.openai.com/v1", "api.openai.com", 443, true, "/v1"},
      {"http://127.0.0.1:11434/v1/", "127.0.0.1", 11434, false, "/v1"},
      {"https://h.example/openai/v1?x=1", "h.example", 443, true, "/openai/v1"},
      {"http://localhost", "localhost", 80, false, "/"},
      {"http://[::1]:8080/v1", "::1", 8080, false, "/v1"},
  };
  for (const auto& r : rows) {
    INFO(r.url);
    const auto result = load({{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", r.url}});
    const auto& backend = result.loaded->backends.at(0);
    CHECK(backend.endpoints.at(0).host.value == r.host);
    CHECK(backend.endpoints.at(0).port.value == r.port);
    CHECK(backend.tls.has_value() == r.is_tls);
    CHECK(result.loaded->ai_backends.at(0).schema.prefix.value == r.prefix);
  }
}
