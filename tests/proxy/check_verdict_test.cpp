#include <understudy/proxy/check_verdict.hpp>

#include "catch.hpp"

using namespace understudy;
using resilience::check_result;

TEST_CASE("answers to an active check", "[check]") {
  plan::health_check check;
  check.expected = {200, 204};
  check.retriable = {204, 503};
  CHECK(proxy::check_verdict(check, 200, "") == check_result::pass);
  CHECK(proxy::check_verdict(check, 204, "") == check_result::pass);  // expected wins
  CHECK(proxy::check_verdict(check, 503, "") == check_result::retriable);
  CHECK(proxy::check_verdict(check, 500, "") == check_result::mismatch);
  check.expected_response = "ok";
  CHECK(proxy::check_verdict(check, 200, "all is ok here") == check_result::pass);
  CHECK(proxy::check_verdict(check, 200, "no") == check_result::mismatch);
  CHECK(proxy::check_verdict(check, 503, "no") == check_result::mismatch);  // the body first
  const std::string late(1022, 'x');
  CHECK(proxy::check_verdict(check, 200, late + "ok") == check_result::pass);
  CHECK(proxy::check_verdict(check, 200, late + "xok") == check_result::mismatch);
}

TEST_CASE("what an active check sends, and where", "[check]") {
  plan::health_check check;
  check.path = "/health";
  plan::target target;
  target.kind = plan::target_kind::ip;
  target.host = "10.0.0.1";
  CHECK(proxy::check_host(check, target, "10.0.0.1:80") == "10.0.0.1:80");
  check.route_hostname = "route.example";
  CHECK(proxy::check_host(check, target, "10.0.0.1:80") == "route.example");
  target.kind = plan::target_kind::fqdn;
  target.host = "name.example";
  CHECK(proxy::check_host(check, target, "10.0.0.1:80") == "name.example");
  target.hostname = "endpoint.example";
  CHECK(proxy::check_host(check, target, "10.0.0.1:80") == "endpoint.example");
  check.hostname = "check.example";
  CHECK(proxy::check_host(check, target, "10.0.0.1:80") == "check.example");

  CHECK(proxy::check_request(check, "h") ==
        "GET /health HTTP/1.1\r\nhost: h\r\nuser-agent: understudy/check\r\nconnection: "
        "close\r\n\r\n");
  check.method = "POST";
  check.request_body = "hi";
  CHECK(proxy::check_request(check, "h").ends_with("content-length: 2\r\n\r\nhi"));

  CHECK(proxy::check_address(check, "10.0.0.1:80") == "10.0.0.1:80");
  check.port = 9000;
  CHECK(proxy::check_address(check, "10.0.0.1:80") == "10.0.0.1:9000");
  CHECK(proxy::check_address(check, "[::1]:80") == "[::1]:9000");
  CHECK(proxy::check_address(check, "unix:/a") == "unix:/a");
}
