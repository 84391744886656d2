#include <understudy/credentials/imds.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::credentials;

namespace {

http_call endpoint() {
  http_call call;
  call.host = "169.254.169.254";
  return call;
}

const codec::owned_field token{"x-aws-ec2-metadata-token", "tok=="};
constexpr const char* instance_keys =
    R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s"})";

/// Feeds the replies and returns the reason in which they end, or `keys`.
std::string ending(const std::vector<http_reply>& replies) {
  imds_exchange exchange{endpoint()};
  for (const auto& reply : replies) {
    const auto next = exchange.on_reply(reply);
    if (const auto* reason = std::get_if<std::string>(&next)) return *reason;
    if (std::holds_alternative<aws_keys>(next)) return "keys";
  }
  return "goes on";
}

}  // namespace

TEST_CASE("token, role, keys") {
  imds_exchange exchange{endpoint()};
  const auto first = exchange.start();
  CHECK(first.method == "PUT");
  CHECK(first.target == "/latest/api/token");
  CHECK(first.fields ==
        std::vector<codec::owned_field>{{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}});

  const auto second = std::get<http_call>(exchange.on_reply({200, "tok==\n"}));
  CHECK(second.method == "GET");
  CHECK(second.target == "/latest/meta-data/iam/security-credentials/");
  CHECK(second.fields == std::vector<codec::owned_field>{token});

  const auto third = std::get<http_call>(exchange.on_reply({200, "my-role\nother"}));
  CHECK(third.target == "/latest/meta-data/iam/security-credentials/my-role");
  CHECK(third.fields == std::vector<codec::owned_field>{token});

  CHECK(std::get<aws_keys>(exchange.on_reply({200, instance_keys})).access_key_id == "A");
}

TEST_CASE("each step may fail") {
  CHECK(ending({{200, "t"}, {200, "r"}, {200, instance_keys}}) == "keys");
  CHECK(ending({{403, ""}}) ==
        "instance metadata: the request for a session token was answered with 403");
  CHECK(ending({{200, ""}}) == "instance metadata: the session token is unusable");
  CHECK(ending({{200, "a b"}}) == "instance metadata: the session token is unusable");
  CHECK(ending({{200, "t"}, {404, ""}}) == "instance metadata: the instance has no role");
  CHECK(ending({{200, "t"}, {500, ""}}) ==
        "instance metadata: the request for the role was answered with 500");
  CHECK(ending({{200, "t"}, {200, "../x"}}) == "instance metadata: the role's name is unusable");
  CHECK(ending({{200, "t"}, {200, "r"}, {401, ""}}) ==
        "instance metadata: the request for the role's keys was answered with 401");
  CHECK(ending({{200, "t"}, {200, "r"}, {200, "{}"}}) ==
        "instance metadata: the answer has no AccessKeyId or SecretAccessKey");
}
