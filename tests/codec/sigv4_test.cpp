#include <understudy/codec/sigv4.hpp>

#include <set>

#include "catch.hpp"
#include "support.hpp"

namespace understudy::codec {
namespace {

base::wall_time at(double seconds) {
  return base::wall_time{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

TEST_CASE("signatures are botocore's", "[sigv4]") {
  const auto rows = codec_test::vectors("sigv4");
  REQUIRE(rows.size() >= 30);
  std::set<std::string> signatures;
  for (const auto& row : rows) {
    const auto text = [&row](const char* name) { return row.at(name).get<std::string>(); };
    const auto host = text("host"), target = text("target"), payload = text("payload");
    const auto id = text("id"), secret = text("secret"), token = text("token");
    CAPTURE(host, target, id);
    const auto region = bedrock_region_of(host);
    REQUIRE(region);
    CHECK(*region == text("region"));
    const auto fields = sign({"POST", host, target, payload}, {id, secret, token}, *region,
                             bedrock_service, at(row.at("time").get<double>()));
    REQUIRE(fields.size() == (token.empty() ? 2 : 3));
    CHECK(fields[0] == owned_field{"authorization", text("authorization")});
    CHECK(fields[1] == owned_field{"x-amz-date", text("date")});
    if (!token.empty()) CHECK(fields[2] == owned_field{"x-amz-security-token", token});
    signatures.insert(fields[0].value);
  }
  CHECK(signatures.size() == rows.size());
}

TEST_CASE("the path is encoded once more for the signature", "[sigv4]") {
  const auto text = canonical_request({"POST", " h ", "/model/a:b%2Fc/converse?z=1&a=2", ""}, "tok",
                                      "20260102T030405Z");
  CHECK(text ==
        "POST\n/model/a%3Ab%252Fc/converse\na=2&z=1\n"
        "host:h\nx-amz-date:20260102T030405Z\nx-amz-security-token:tok\n\n"
        "host;x-amz-date;x-amz-security-token\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("region out of a Bedrock host name", "[sigv4]") {
  struct row {
    const char* host;
    const char* region;  // null: none
  };
  for (const auto& [host, region] : {
           row{"bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"},
           row{"bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
           row{"vpce-0a-1b.bedrock-runtime.eu-central-1.vpce.amazonaws.com", "eu-central-1"},
           row{"bedrock-runtime.ap-south-1.api.aws", "ap-south-1"},
           row{"BEDROCK-RUNTIME.US-EAST-1.AMAZONAWS.COM", "us-east-1"},
           row{"bedrock-runtime.us-east-1.amazonaws.com.", "us-east-1"},
           row{"bedrock.us-east-1.amazonaws.com", nullptr},
           row{"notbedrock-runtime.us-east-1.amazonaws.com", nullptr},
           row{"bedrock-runtime.us-east-1.amazonaws.com.evil.org", nullptr},
           row{"bedrock-runtime.amazonaws.com", nullptr},
           row{"bedrock-runtime..amazonaws.com", nullptr},
           row{"bedrock-runtime.us_east.amazonaws.com", nullptr},
           row{"localhost", nullptr},
           row{"", nullptr},
       }) {
    CAPTURE(host);
    const auto found = bedrock_region_of(host);
    CHECK(found.has_value() == (region != nullptr));
    if (region != nullptr && found) CHECK(*found == region);
  }
}

TEST_CASE("the service that signs for a Bedrock host", "[sigv4]") {
  CHECK(bedrock_region_of("bedrock-mantle.us-east-2.api.aws") == "us-east-2");
  CHECK(bedrock_service_of("bedrock-mantle.us-east-2.api.aws") == "bedrock-mantle");
  CHECK(bedrock_service_of("Bedrock-Mantle.us-east-2.api.aws") == "bedrock-mantle");
  CHECK(bedrock_service_of("bedrock-runtime.us-east-2.amazonaws.com") == "bedrock");
  CHECK(bedrock_service_of("bedrock-mantle.example") == "bedrock");
  CHECK(bedrock_service_of("") == "bedrock");
}

}  // namespace
}  // namespace understudy::codec
