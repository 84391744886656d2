#include <understudy/plan/log_format.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::plan {

TEST_CASE("format strings are cut into literals and commands") {
  log_format format;
  const auto made = parse_log_pattern(
      "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%\" %RESPONSE_CODE% 100%% "
      "%REQ(User-Agent):20% %RESP(Server)% %DYNAMIC_METADATA(io.envoy.ai_gateway:cost)%\n",
      format);
  REQUIRE(made.has_value());
  std::vector<log_operator> what;
  for (const auto& s : *made)
    if (s.what != log_operator::literal) what.push_back(s.what);
  CHECK(what == std::vector{log_operator::start_time, log_operator::request_field,
                            log_operator::request_field, log_operator::response_code,
                            log_operator::request_field, log_operator::response_field,
                            log_operator::dynamic_metadata});
  CHECK((*made)[5].text == "x-envoy-original-path");
  CHECK((*made)[5].alternative == ":path");
  CHECK((*made)[8].text == " 100% ");
  CHECK((*made)[9].max_length == 20);
  CHECK((*made)[11].text == "server");
  CHECK(format.response_fields == std::vector<std::string>{"server"});
  CHECK((*made)[13].text == "cost");
}

TEST_CASE("one response field has one place") {
  log_format format;
  REQUIRE(parse_log_pattern("%RESP(A?B)% %RESP(b)% %RESP(c)%", format).has_value());
  CHECK(format.response_fields == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("what is no command is refused at its place") {
  struct row {
    std::string text;
    std::size_t offset;
    std::string part;
  };
  const std::vector<row> rows = {
      {"a %NOPE% b", 2, "unknown command"},
      {"a %DURATION", 2, "does not end"},
      {"100 % of", 4, "does not end"},
      {"%%%REQ()%", 2, "name of a header field"},
      {"%req(a)%", 0, "is no command"},
      {"%REQ(a b)%", 0, "name of a header field"},
      {"%REQ(a):x%", 0, "is no command"},
      {"%REQ(a):0%", 0, "is no command"},
      {"%DURATION(x)%", 0, "no argument"},
      {"%DYNAMIC_METADATA()%", 0, "namespace"},
      {"%DYNAMIC_METADATA(io.envoy.ai_gateway:)%", 0, "namespace"},
      {"%UNDERSTUDY(X)%", 0, "MODEL_ASKED"},
  };
  for (const auto& r : rows) {
    INFO(r.text);
    log_format format;
    const auto made = parse_log_pattern(r.text, format);
    REQUIRE(!made.has_value());
    CHECK(made.error().offset == r.offset);
    CHECK(made.error().message.find(r.part) != std::string::npos);
  }
}

TEST_CASE("a time format may hold percent signs") {
  log_format format;
  CHECK(parse_log_pattern("%START_TIME(%Y/%m/%dT%H:%M:%S%z)% x", format).has_value());
}

}  // namespace understudy::plan
