#include <understudy/codec/retry_after.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/durations.hpp>

namespace understudy::codec {
namespace {

using std::chrono::milliseconds;
using wait = std::optional<milliseconds>;

constexpr milliseconds one_second{1000};
/// More windows than any provider has; each is looked up in the head.
constexpr int max_windows = 32;

void take_longest(wait& longest, wait found) {
  if (found && (!longest || *found > *longest)) longest = found;
}

wait until(std::optional<base::wall_time> t, base::wall_time now) {
  if (!t) return std::nullopt;
  return std::chrono::ceil<milliseconds>(std::max(*t - now, base::wall_time::duration::zero()));
}

wait seconds_or_date(std::string_view value, base::wall_time now) {
  if (const auto seconds = parse_decimal(value, one_second)) return seconds;
  return until(parse_http_date(value, now), now);
}

/// What is too great for a span is a time since 1970, in seconds or in milliseconds.
wait seconds_or_epoch(std::string_view value, base::wall_time now) {
  constexpr std::int64_t first_seconds = 1'000'000'000;
  constexpr std::int64_t first_milliseconds = 100'000'000'000;
  constexpr std::int64_t limit = 100'000'000'000'000;
  const auto span = parse_decimal(value, one_second);
  std::int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  if (!span || number < first_seconds) return span;
  if (number >= limit) return std::nullopt;
  const milliseconds since{number < first_milliseconds ? number * 1000 : number};
  return until(base::wall_time{since}, now);
}

wait duration_or_seconds(std::string_view value, base::wall_time now) {
  if (const auto span = parse_go_duration(value)) return span;
  return seconds_or_epoch(value, now);
}

/// One `…reset` field: how long it says, and the field that tells whether it matters.
struct window {
  wait span;
  std::string remaining_name;
};

std::optional<window> window_of(const field& f, base::wall_time now) {
  constexpr std::string_view openai = "x-ratelimit-reset-";
  constexpr std::string_view anthropic = "anthropic-ratelimit-";
  constexpr std::string_view reset = "-reset";
  const auto value = base::trim(f.value);
  if (base::istarts_with(f.name, openai))
    return window{duration_or_seconds(value, now),
                  std::string{"x-ratelimit-remaining-"}.append(f.name.substr(openai.size()))};
  if (base::iequals(f.name, "x-ratelimit-reset") || base::iequals(f.name, "ratelimit-reset")) {
    const auto begin = f.name.substr(0, f.name.size() - (reset.size() - 1));
    return window{seconds_or_epoch(value, now), std::string{begin}.append("remaining")};
  }
  if (base::istarts_with(f.name, anthropic) && f.name.size() > anthropic.size() + reset.size() &&
      base::iequals(f.name.substr(f.name.size() - reset.size()), reset)) {
    const auto begin = f.name.substr(0, f.name.size() - reset.size());
    return window{until(parse_rfc3339(value), now), std::string{begin}.append("-remaining")};
  }
  return std::nullopt;
}

bool is_used_up(const field_list& fields, std::string_view remaining_name) {
  const auto value = base::trim(fields.find(remaining_name).value_or(""));
  return value.starts_with('-') || parse_decimal(value, milliseconds{1}) == milliseconds{0};
}

wait from_windows(const field_list& fields, int status, base::wall_time now) {
  wait of_used_up;
  wait of_all;
  int left = max_windows;
  for (const auto& f : fields) {
    if (f.name.size() < 15) continue;  // shorter than any of them
    const auto found = window_of(f, now);
    if (!found) continue;
    if (left-- == 0) break;
    take_longest(of_all, found->span);
    if (is_used_up(fields, found->remaining_name)) take_longest(of_used_up, found->span);
  }
  if (of_used_up) return of_used_up;
  return status == 429 ? of_all : std::nullopt;
}

}  // namespace

std::optional<milliseconds> retry_after(const field_list& fields, int status, base::wall_time now) {
  wait exact;
  wait rounded;
  for (const auto& f : fields) {
    if (base::iequals(f.name, "retry-after-ms"))
      take_longest(exact, parse_decimal(base::trim(f.value), milliseconds{1}));
    else if (base::iequals(f.name, "retry-after"))
      take_longest(rounded, seconds_or_date(base::trim(f.value), now));
  }
  wait found = exact ? exact : rounded;
  if (!found) found = from_windows(fields, status, now);
  if (found) found = std::min(*found, max_retry_after);
  return found;
}

}  // namespace understudy::codec
