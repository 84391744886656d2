#include <algorithm>

#include <understudy/config/reference.hpp>

#include "catch.hpp"

using namespace understudy::config;

namespace {

const kind_note& kind(std::string_view name) {
  static const auto kinds = describe_kinds();
  return *std::ranges::find(kinds, name, &kind_note::kind);
}

const field_note& field(std::string_view of, std::string_view path) {
  const auto& fields = kind(of).fields;
  const auto found = std::ranges::find(fields, path, &field_note::path);
  INFO(of << " has " << path);
  REQUIRE(found != fields.end());
  return *found;
}

}  // namespace

TEST_CASE("reference knows types, limits, defaults and what acts") {
  const auto& weight = field("AIGatewayRoute", "spec.rules[].backendRefs[].weight");
  CHECK(weight.type == "0 to 1000000");
  CHECK(weight.usual == "1");
  CHECK(weight.is_acting);
  CHECK_FALSE(weight.is_required);
  CHECK(field("AIGatewayRoute", "spec.rules[].backendRefs[].name").is_required);
  CHECK(field("Backend", "spec.type").type == "`Endpoints`, `DynamicResolver`");
  CHECK(field("BackendTrafficPolicy", "spec.timeout.http.maxStreamDuration").type == "duration");
  CHECK_FALSE(field("BackendTrafficPolicy", "spec.timeout.http.maxStreamDuration").is_acting);
}

TEST_CASE("reference names every variant of a kind") {
  for (const auto* path : {"spec.apiKey.secretRef.name", "spec.awsCredentials.region",
                           "spec.azureCredentials.tenantID", "spec.gcpCredentials.projectName"})
    field("BackendSecurityPolicy", path);
}

TEST_CASE("reference says which version has a field") {
  CHECK(field("AIGatewayRoute", "spec.targetRefs").version == "v1alpha1");
  CHECK(field("AIGatewayRoute", "spec.parentRefs").version.empty());
}

TEST_CASE("every kind that is read has fields, and no field twice") {
  for (const auto& k : describe_kinds()) {
    INFO(k.kind);
    if (k.what != kind_note::use::read) continue;
    CHECK_FALSE(k.fields.empty());
    auto paths = std::vector<std::string>{};
    for (const auto& f : k.fields) paths.push_back(f.path);
    std::ranges::sort(paths);
    CHECK(std::ranges::adjacent_find(paths) == paths.end());
  }
}

TEST_CASE("an unknown kind has no page") {
  CHECK(reference_page("Nothing").empty());
  CHECK(reference_page("FailoverPolicy").find("`spec.hedge.after`") != std::string::npos);
}
