#include <understudy/codec/sigv4.hpp>
#include <understudy/credentials/apply.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::credentials;

namespace {

const aws_keys keys{"AKID", "s3cret", "tok", std::nullopt};
constexpr signed_parts request{"POST", "/model/m/converse", "{}"};
constexpr base::wall_time now{std::chrono::seconds{1'767'323'045}};

plan::backend backend_with(plan::credential auth) {
  plan::backend b;
  b.name = "a";
  b.auth = std::move(auth);
  return b;
}

}  // namespace

TEST_CASE("no policy adds nothing, a static key its header") {
  std::vector<codec::owned_field> set;
  CHECK(apply(backend_with({}), request, "h", nullptr, now, set).has_value());
  CHECK(set.empty());
  CHECK(apply(backend_with(plan::header_credential{"authorization", "Bearer k"}), request, "h",
              nullptr, now, set)
            .has_value());
  CHECK(set == std::vector<codec::owned_field>{{"authorization", "Bearer k"}});
}

TEST_CASE("AWS signs for the region of the host, else of the policy") {
  struct row {
    std::string_view host, region;
  };
  const row rows[] = {
      {"bedrock-runtime.us-west-2.amazonaws.com", "us-west-2"},
      {"bedrock-runtime.us-west-2.amazonaws.com:8443", "us-west-2"},
      {"gateway.internal", "eu-west-1"},
      {"10.0.0.1:8080", "eu-west-1"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.host);
    std::vector<codec::owned_field> set;
    REQUIRE(apply(backend_with(plan::aws_credential{"eu-west-1", "", "default"}), request, r.host,
                  &keys, now, set)
                .has_value());
    CHECK(set == codec::sign({request.method, r.host, request.target, request.payload},
                             {"AKID", "s3cret", "tok"}, r.region, "bedrock", now));
    CHECK(set.size() == 3);
  }
}

TEST_CASE("AWS without keys is an error that names the backend") {
  std::vector<codec::owned_field> set;
  const auto applied = apply(backend_with(plan::aws_credential{}), request, "h", nullptr, now, set);
  REQUIRE_FALSE(applied.has_value());
  CHECK(applied.error() == "backend a has no AWS keys");
  CHECK(set.empty());
}

TEST_CASE("the signing host is the endpoint's own name") {
  const plan::aws_credential aws{"us-east-1", "", "default"};
  plan::target target;
  target.kind = plan::target_kind::fqdn;
  target.host = "bedrock-runtime.us-west-2.amazonaws.com";
  CHECK(signing_host(target, aws) == "bedrock-runtime.us-west-2.amazonaws.com");
  target.hostname = "other.example";
  CHECK(signing_host(target, aws) == "other.example");
  target = {};
  target.kind = plan::target_kind::ip;
  target.host = "10.0.0.1";
  CHECK(signing_host(target, aws) == "bedrock-runtime.us-east-1.amazonaws.com");
}
