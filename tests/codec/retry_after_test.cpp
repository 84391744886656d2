#include <understudy/codec/retry_after.hpp>

#include <understudy/codec/durations.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::codec {
namespace {

using field_pairs = std::vector<std::pair<const char*, const char*>>;

constexpr long long no_wait = -1;
constexpr long long day = 86'400'000;

struct row {
  int status;
  field_pairs given;
  long long expected;  ///< milliseconds
};

long long wait_of(const row& r) {
  field_list list;
  for (const auto& [name, value] : r.given) list.add(name, value);
  const auto found = retry_after(list, r.status, *parse_rfc3339("2026-01-02T03:04:05.5Z"));
  return found ? found->count() : no_wait;
}

void check(const std::vector<row>& rows) {
  for (const auto& r : rows) {
    std::string text = std::to_string(r.status);
    for (const auto& [name, value] : r.given) text.append("\n").append(name) += value;
    CAPTURE(text);
    CHECK(wait_of(r) == r.expected);
  }
}

TEST_CASE("what Retry-After says is what is waited", "[retry_after]") {
  check({
      {429, {}, no_wait},
      {429, {{"retry-after", "2"}}, 2000},
      {503, {{"Retry-After", " 2 "}}, 2000},
      {503, {{"retry-after", "0"}}, 0},
      {503, {{"retry-after", "1.5"}}, 1500},
      {503, {{"retry-after", "Fri, 02 Jan 2026 03:04:08 GMT"}}, 2500},
      {503, {{"retry-after", "Fri, 02 Jan 2026 03:04:00 GMT"}}, 0},
      {503, {{"retry-after", "Friday, 02-Jan-26 03:05:05 GMT"}}, 59'500},
      {503, {{"retry-after", "Sun, 02 Jan 2028 03:04:08 GMT"}}, day},
      {503, {{"retry-after", "999999999999"}}, day},
      {503, {{"retry-after", "86401"}}, day},
      {503, {{"retry-after", "-1"}}, no_wait},
      {503, {{"retry-after", "soon"}}, no_wait},
      {503, {{"retry-after", ""}}, no_wait},
      {503, {{"retry-after", "1, 2"}}, no_wait},
      {503, {{"retry-after", "soon"}, {"retry-after", "3"}, {"retry-after", "2"}}, 3000},
      // Milliseconds are the same statement, not rounded.
      {429, {{"retry-after", "1"}, {"retry-after-ms", "320"}}, 320},
      {429, {{"retry-after-ms", "0.5"}}, 1},
      {429, {{"retry-after-ms", "x"}, {"retry-after", "1"}}, 1000},
      {429, {{"retry-after-ms", "1e3"}}, no_wait},
      // The window says when the limit is whole again, which is later than needed.
      {429,
       {{"x-ratelimit-remaining-requests", "0"},
        {"x-ratelimit-reset-requests", "6m0s"},
        {"retry-after", "1"}},
       1000},
  });
}

TEST_CASE("windows count where they are used up", "[retry_after]") {
  check({
      {429,
       {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "6m0s"}},
       360'000},
      {500, {{"X-RateLimit-Remaining-Tokens", "0"}, {"x-ratelimit-reset-tokens", "20ms"}}, 20},
      {500, {{"x-ratelimit-remaining-tokens", "7"}, {"x-ratelimit-reset-tokens", "20ms"}}, no_wait},
      {200, {{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "1s"}}, 1000},
      {500, {{"x-ratelimit-reset-tokens", "20ms"}}, no_wait},
      // The longest of those used up, whatever the others say.
      {429,
       {{"x-ratelimit-remaining-requests", "0"},
        {"x-ratelimit-reset-requests", "2s"},
        {"x-ratelimit-remaining-tokens", "100"},
        {"x-ratelimit-reset-tokens", "9s"}},
       2000},
      {429,
       {{"x-ratelimit-remaining-requests", "0"},
        {"x-ratelimit-reset-requests", "2s"},
        {"x-ratelimit-remaining-tokens", "-3"},
        {"x-ratelimit-reset-tokens", "9s"}},
       9000},
      // A 429 without any used up: more was asked for than is left.
      {429,
       {{"x-ratelimit-remaining-requests", "5"},
        {"x-ratelimit-reset-requests", "2s"},
        {"x-ratelimit-remaining-tokens", "100"},
        {"x-ratelimit-reset-tokens", "9s"}},
       9000},
      {429, {{"x-ratelimit-reset-requests-day", "30"}}, 30'000},
      {429, {{"x-ratelimit-reset-requests", "-2s"}}, no_wait},
      {429, {{"x-ratelimit-reset-requests", "25h"}}, day},
      {429, {{"x-ratelimit-reset-", "4s"}}, 4000},
  });
}

TEST_CASE("windows as seconds, Unix time and RFC 3339", "[retry_after]") {
  check({
      {429, {{"x-ratelimit-reset", "30"}}, 30'000},
      {429, {{"x-ratelimit-reset", "1767323050"}}, 4500},
      {429, {{"x-ratelimit-reset", "1767323045"}}, 0},
      {429, {{"x-ratelimit-reset", "1767323046000"}}, 500},
      {429, {{"x-ratelimit-reset", "99999999999999999999"}}, day},
      {429, {{"x-ratelimit-reset", "999999999999999"}}, no_wait},
      {503, {{"x-ratelimit-reset", "30"}}, no_wait},
      {503, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "30"}}, 30'000},
      {503, {{"ratelimit-remaining", "0"}, {"ratelimit-reset", "30"}}, 30'000},
      {429, {{"anthropic-ratelimit-tokens-reset", "2026-01-02T03:04:15Z"}}, 9500},
      {529,
       {{"anthropic-ratelimit-requests-remaining", "0"},
        {"anthropic-ratelimit-requests-reset", "2026-01-02T03:04:06.25Z"},
        {"anthropic-ratelimit-tokens-remaining", "10"},
        {"anthropic-ratelimit-tokens-reset", "2026-01-02T03:09:06Z"}},
       750},
      {529, {{"anthropic-ratelimit-tokens-reset", "2026-01-02T03:04:15Z"}}, no_wait},
      {429, {{"anthropic-ratelimit-tokens-reset", "tomorrow"}}, no_wait},
      {429, {{"anthropic-ratelimit-reset", "2026-01-02T03:04:15Z"}}, no_wait},
      {429, {{"anthropic-ratelimit-tokens-reset", "2020-01-02T03:04:15Z"}}, 0},
  });
}

}  // namespace
}  // namespace understudy::codec
