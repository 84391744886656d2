#include <understudy/codec/sigv4.hpp>
#include <understudy/credentials/apply.hpp>

#include "catch.hpp"
#include "credentials/clock.hpp"

using namespace understudy;
using namespace understudy::credentials;
using tests::start;

namespace {

const secret keys = aws_keys{"AKID", "s3cret", "tok", std::nullopt};
constexpr signed_parts request{"POST", "/model/m/converse", "{}"};

plan::backend backend_with(plan::credential auth) {
  plan::backend b;
  b.name = "a";
  b.auth = std::move(auth);
  return b;
}

}  // namespace

TEST_CASE("no policy adds nothing, a static key its header") {
  std::vector<codec::owned_field> set;
  CHECK(apply(backend_with({}), request, "h", nullptr, start, set).has_value());
  CHECK(set.empty());
  CHECK(apply(backend_with(plan::header_credential{"authorization", "Bearer k"}), request, "h",
              nullptr, start, set)
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
                  &keys, start, set)
                .has_value());
    CHECK(set == codec::sign({request.method, r.host, request.target, request.payload},
                             {"AKID", "s3cret", "tok"}, r.region, "bedrock", start));
    CHECK(set.size() == 3);
  }
}

TEST_CASE("AWS without keys is an error that names the backend") {
  std::vector<codec::owned_field> set;
  const auto applied =
      apply(backend_with(plan::aws_credential{}), request, "h", nullptr, start, set);
  REQUIRE_FALSE(applied.has_value());
  CHECK(applied.error().message == "backend a has no AWS keys");
  CHECK(applied.error().status == 503);
  CHECK_FALSE(applied.error().is_final);
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

namespace {

struct override_row {
  plan::credential auth;
  plan::credential_override from;
  std::vector<std::pair<const char*, const char*>> fields;
  std::string expected;  ///< the fields that are set, or the status of a refusal
};

std::string outcome_of(const override_row& r) {
  auto backend = backend_with(r.auth);
  backend.request_auth = r.from;
  codec::field_list fields;
  for (const auto& [name, value] : r.fields) fields.add(name, value);
  const auto found = from_request(backend, fields);
  if (!found)
    return std::to_string(found.error().status) + (found.error().is_final ? " final" : "");
  std::vector<codec::owned_field> set;
  const auto applied = apply(backend, request, "h", *found ? &**found : nullptr, start, set);
  if (!applied) return std::to_string(applied.error().status);
  std::string text;
  for (const auto& f : set) text += f.name + ": " + f.value.substr(0, 60) + "\n";
  return text;
}

}  // namespace

TEST_CASE("a credential that the request brings along") {
  const plan::header_credential bearer{"authorization", "Bearer own"};
  const plan::header_credential plain{"api-key", "own"};
  const plan::aws_credential aws{"us-east-1", "", "default"};
  const plan::credential_override key{"x-aigw-api-key", true}, only{"x-k", false};
  const plan::credential_override parts{"x-aigw-aws-", true}, only_parts{"x-aigw-aws-", false};
  const override_row rows[] = {
      {bearer, key, {{"X-AIGW-Api-Key", " theirs "}}, "authorization: Bearer theirs\n"},
      {bearer, key, {{"x-aigw-api-key", ""}}, "authorization: Bearer own\n"},
      {bearer, key, {}, "authorization: Bearer own\n"},
      {bearer, only, {}, "401"},
      {plain, only, {{"x-k", "theirs"}}, "api-key: theirs\n"},
      {plan::azure_credential{"t", "c", "s"},
       only,
       {{"x-k", "tok"}},
       "authorization: Bearer tok\n"},
      {plan::gcp_credential{"p", "r", ""}, only, {{"x-k", "tok"}}, "authorization: Bearer tok\n"},
      {plan::azure_credential{"t", "c", "s"}, key, {}, "503"},
      {plan::gcp_credential{"p", "r", ""}, key, {}, "503"},
      {aws, parts, {}, "503"},
      {aws, only_parts, {}, "401"},
      {aws, parts, {{"x-aigw-aws-access-key-id", "A"}}, "400 final"},
      {aws, parts, {{"x-aigw-aws-secret-access-key", "s"}}, "400 final"},
      {aws, parts, {{"x-aigw-aws-session-token", "t"}}, "400 final"},
      {aws,
       only_parts,
       {{"x-aigw-aws-access-key-id", "A"}, {"x-aigw-aws-secret-access-key", "s"}},
       "authorization: AWS4-HMAC-SHA256 Credential=A/20260102/us-east-1/bedrock/aws\n"
       "x-amz-date: 20260102T030405Z\n"},
      {aws,
       parts,
       {{"x-aigw-aws-access-key-id", "A"},
        {"x-aigw-aws-secret-access-key", "s"},
        {"x-aigw-aws-session-token", "t"}},
       "authorization: AWS4-HMAC-SHA256 Credential=A/20260102/us-east-1/bedrock/aws\n"
       "x-amz-date: 20260102T030405Z\nx-amz-security-token: t\n"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.from.header, r.fields.size(), r.auth.index());
    CHECK(outcome_of(r) == r.expected);
  }
}
