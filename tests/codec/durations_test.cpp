#include <understudy/codec/durations.hpp>

#include <understudy/codec/text.hpp>

#include <string>

#include "catch.hpp"

namespace understudy::codec {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int no_span = -1;

int millis(const std::optional<milliseconds>& span) {
  return span ? static_cast<int>(span->count()) : no_span;
}

std::string text_of(const std::optional<base::wall_time>& t) { return t ? rfc3339(*t) : "none"; }

TEST_CASE("decimals in a unit", "[durations]") {
  struct row {
    const char* text;
    int expected;
  };
  for (const auto& [text, expected] : {
           row{"0", 0},           row{"1", 1000},      row{"1.5", 1500},     row{"0.0004", 1},
           row{".25", 250},       row{"2.", 2000},     row{"7.66", 7660},    row{"0.1", 100},
           row{"0.3", 300},       row{"", no_span},    row{".", no_span},    row{"-1", no_span},
           row{"+1", no_span},    row{"1e3", no_span}, row{"1s", no_span},   row{" 1", no_span},
           row{"inf", no_span},   row{"nan", no_span}, row{"0x10", no_span}, row{"1,5", no_span},
           row{"1.2.3", no_span},
       }) {
    CAPTURE(text);
    CHECK(millis(parse_decimal(text, 1s)) == expected);
  }
  CHECK(parse_decimal(std::string(400, '9'), 1s) == max_parsed_span);
  CHECK(parse_decimal("99999999999999999999", 1ms) == max_parsed_span);
}

TEST_CASE("durations as Go writes them", "[durations]") {
  struct row {
    const char* text;
    int expected;
  };
  for (const auto& [text, expected] : {
           row{"1s", 1000},
           row{"6m0s", 360'000},
           row{"20ms", 20},
           row{"2m59.56s", 179560},
           row{"1h2m3.5s", 3723'500},
           row{"17\xC2\xB5s", 1},
           row{"1500us", 2},
           row{"1d", 86'400'000},
           row{"0", 0},
           row{"0s", 0},
           row{"7.66s", 7660},
           row{"", no_span},
           row{"1", no_span},
           row{"s", no_span},
           row{"-1s", no_span},
           row{"1s ", no_span},
           row{"1 s", no_span},
           row{"1x", no_span},
           row{"1s2", no_span},
           row{"1sm", no_span},
       }) {
    CAPTURE(text);
    CHECK(millis(parse_go_duration(text)) == expected);
  }
  CHECK(parse_go_duration("999999999999h999999999999h") == max_parsed_span);
}

TEST_CASE("HTTP dates in their three forms", "[durations]") {
  const auto now = *parse_rfc3339("2026-11-22T00:00:00Z");
  struct row {
    const char* text;
    const char* expected;
  };
  for (const auto& [text, expected] : {
           row{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
           row{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
           row{"Sunday, 06-Nov-27 08:49:37 GMT", "2027-11-06T08:49:37Z"},
           row{"Sunday, 06-Nov-76 08:49:37 GMT", "2076-11-06T08:49:37Z"},
           row{"Sunday, 06-Nov-77 08:49:37 GMT", "1977-11-06T08:49:37Z"},
           row{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
           row{"Sun Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z"},
           row{"Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z"},
           row{"Sun, 30 Feb 2026 08:49:37 GMT", "none"},
           row{"Sun, 06 Nov 1994 24:00:00 GMT", "none"},
           row{"Sun, 06 Nov 1994 08:49:37 UTC", "none"},
           row{"Sun, 06 Nov 1994 08:49:37", "none"},
           row{"Sun, 6 Nov 1994 08:49:37 GMT", "none"},
           row{"06 Nov 1994 08:49:37 GMT", "none"},
           row{"Sun, ", "none"},
           row{"Sun", "none"},
           row{"", "none"},
       }) {
    CAPTURE(text);
    CHECK(text_of(parse_http_date(text, now)) == expected);
  }
}

TEST_CASE("RFC 3339", "[durations]") {
  struct row {
    const char* text;
    const char* expected;
  };
  for (const auto& [text, expected] : {
           row{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
           row{"2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"},
           row{"2026-01-02T03:04:05.999999999Z", "2026-01-02T03:04:05Z"},
           row{"2026-01-02T03:04:05+02:30", "2026-01-02T00:34:05Z"},
           row{"2026-01-02T03:04:05-00:05", "2026-01-02T03:09:05Z"},
           row{"2026-13-02T03:04:05Z", "none"},
           row{"2026-02-29T03:04:05Z", "none"},
           row{"2026-01-02T03:04:05", "none"},
           row{"2026-01-02T03:04:05.Z", "none"},
           row{"2026-01-02T03:04Z", "none"},
           row{"2026-01-02", "none"},
           row{"2026-01-02T03:04:05ZZ", "none"},
           row{"", "none"},
       }) {
    CAPTURE(text);
    CHECK(text_of(parse_rfc3339(text)) == expected);
  }
  CHECK(*parse_rfc3339("2026-01-02T03:04:05.25Z") - *parse_rfc3339("2026-01-02T03:04:05Z") ==
        250ms);
}

}  // namespace
}  // namespace understudy::codec
