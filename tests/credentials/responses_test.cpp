#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/http_call.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::credentials;

TEST_CASE("times of token services") {
  struct row {
    std::string_view text;
    std::int64_t unix_seconds;  ///< -1: not a time
  };
  const row rows[] = {
      {"2026-01-02T03:04:05Z", 1'767'323'045},
      {"2026-01-02T03:04:05.123456Z", 1'767'323'045},
      {"2026-01-02T04:04:05+01:00", 1'767'323'045},
      {"2026-01-01T21:34:05-05:30", 1'767'323'045},
      {"2000-02-29T00:00:00Z", 951'782'400},
      {"", -1},
      {"2026-02-30T00:00:00Z", -1},
      {"2026-13-01T00:00:00Z", -1},
      {"2026-01-02T24:00:00Z", -1},
      {"2026-01-02T03:04:05", -1},
      {"2026-01-02T03:04:05Zx", -1},
      {"2026-01-02T03:04Z", -1},
      {"20260102T030405Z", -1},
      {"2026-01-02T03:04:05+0100", -1},
  };
  for (const auto& r : rows) {
    CAPTURE(r.text);
    const auto parsed = parse_rfc3339(r.text);
    REQUIRE(parsed.has_value() == (r.unix_seconds >= 0));
    if (parsed)
      CHECK(std::chrono::floor<std::chrono::seconds>(*parsed).time_since_epoch().count() ==
            r.unix_seconds);
  }
}

TEST_CASE("answers of the container endpoint and the metadata service") {
  const auto good = parse_keys(R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AKID",
      "SecretAccessKey":"s3cret","Token":"tok","Expiration":"2026-01-02T03:04:05Z"})");
  REQUIRE(good.has_value());
  CHECK(*good ==
        aws_keys{"AKID", "s3cret", "tok", base::wall_time{std::chrono::seconds{1'767'323'045}}});
  const auto plain = parse_keys(R"({"AccessKeyId":"AKID","SecretAccessKey":"s3cret"})");
  REQUIRE(plain.has_value());
  CHECK(*plain == aws_keys{"AKID", "s3cret", "", std::nullopt});

  struct row {
    std::string_view json, reason;
  };
  const row rows[] = {
      {"", "the answer is not a JSON object"},
      {"[]", "the answer is not a JSON object"},
      {"{", "the answer is not a JSON object"},
      {R"({"Code":"AssumeRoleUnauthorizedAccess"})",
       "the answer's code is AssumeRoleUnauthorizedAccess"},
      {R"({"Code":"s3cret with blanks"})", "the answer's code is not Success"},
      {R"({"AccessKeyId":"AKID"})", "the answer has no AccessKeyId or SecretAccessKey"},
      {R"({"AccessKeyId":1,"SecretAccessKey":"s"})",
       "the answer has no AccessKeyId or SecretAccessKey"},
      {R"({"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"soon"})",
       "the answer's Expiration is not a time"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.json);
    const auto parsed = parse_keys(r.json);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().reason == r.reason);
  }
}

TEST_CASE("URLs of credential services") {
  struct row {
    std::string_view url;
    bool is_tls;
    std::string_view host;
    int port;  ///< 0: refused
    std::string_view target;
  };
  const row rows[] = {
      {"http://169.254.170.2/v2/x?a=b", false, "169.254.170.2", 80, "/v2/x?a=b"},
      {"https://example.com", true, "example.com", 443, "/"},
      {"HTTP://localhost:8080", false, "localhost", 8080, "/"},
      {"http://[fd00:ec2::23]:81/k#frag", false, "fd00:ec2::23", 81, "/k"},
      {"http://h?q", false, "h", 80, "/?q"},
      {"http://user@h/", false, "", 0, ""},
      {"http://h:0/", false, "", 0, ""},
      {"http://h:65536/", false, "", 0, ""},
      {"http://h:/", false, "", 0, ""},
      {"http://h:8x/", false, "", 0, ""},
      {"http://[::1/", false, "", 0, ""},
      {"http://[::1]8/", false, "", 0, ""},
      {"http:///x", false, "", 0, ""},
      {"ftp://h/", false, "", 0, ""},
      {"http://h/a b", false, "", 0, ""},
      {"http://h/\r\nx: y", false, "", 0, ""},
      {"", false, "", 0, ""},
  };
  for (const auto& r : rows) {
    CAPTURE(r.url);
    const auto call = parse_url(r.url);
    REQUIRE(call.has_value() == (r.port != 0));
    if (!call) continue;
    CHECK(call->is_tls == r.is_tls);
    CHECK(call->host == r.host);
    CHECK(call->port == r.port);
    CHECK(call->target == r.target);
  }
}
