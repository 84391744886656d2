#include <understudy/codec/durations.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <understudy/base/ascii.hpp>

namespace understudy::codec {
namespace {

using std::chrono::milliseconds;
using nanos = std::chrono::duration<double, std::nano>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes a decimal from the front, without sign or exponent.
std::optional<double> take_decimal(std::string_view& text) {
  // Not infinity, not a number by name.
  if (text.empty() || (!is_digit(text.front()) && text.front() != '.')) return std::nullopt;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (behind == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(behind - text.data()));
  return error == std::errc{} ? value : std::numeric_limits<double>::max();
}

milliseconds bounded(nanos span) {
  if (!(span < nanos{max_parsed_span})) return max_parsed_span;
  // A hair of rounding in the fraction must not become a millisecond.
  return std::chrono::ceil<milliseconds>(span - nanos{1});
}

/// Takes exactly `count` digits from the front.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_text(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<unsigned> take_month(std::string_view& text) {
  for (unsigned i = 0; i < months.size(); ++i)
    if (take_text(text, months[i])) return i + 1;
  return std::nullopt;
}

/// `08:49:37`; 60 seconds are a leap second.
std::optional<std::chrono::seconds> take_time(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take_text(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take_text(text, ":")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return std::nullopt;
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

std::optional<base::wall_time> instant(std::optional<int> year, std::optional<unsigned> month,
                                       std::optional<int> day,
                                       std::optional<std::chrono::seconds> time) {
  if (!year || !month || !day || !time) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{*month},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return base::wall_time{std::chrono::sys_days{date}} + *time;
}

/// `06 Nov 1994 08:49:37 GMT`
std::optional<base::wall_time> parse_imf(std::string_view text) {
  const auto day = take_number(text, 2);
  if (!take_text(text, " ")) return std::nullopt;
  const auto month = take_month(text);
  if (!take_text(text, " ")) return std::nullopt;
  const auto year = take_number(text, 4);
  if (!take_text(text, " ")) return std::nullopt;
  const auto time = take_time(text);
  return text == " GMT" ? instant(year, month, day, time) : std::nullopt;
}

/// `06-Nov-94 08:49:37 GMT`: more than fifty years ahead is the last century.
std::optional<base::wall_time> parse_rfc850(std::string_view text, base::wall_time now) {
  const auto day = take_number(text, 2);
  if (!take_text(text, "-")) return std::nullopt;
  const auto month = take_month(text);
  if (!take_text(text, "-")) return std::nullopt;
  const auto two_digits = take_number(text, 2);
  if (!two_digits || !take_text(text, " ")) return std::nullopt;
  const auto time = take_time(text);
  if (text != " GMT") return std::nullopt;
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  int year = this_year - this_year % 100 + *two_digits;
  if (year > this_year + 50) year -= 100;
  return instant(year, month, day, time);
}

/// `Nov  6 08:49:37 1994`
std::optional<base::wall_time> parse_asctime(std::string_view text) {
  const auto month = take_month(text);
  if (!take_text(text, " ")) return std::nullopt;
  const auto day = take_text(text, " ") ? take_number(text, 1) : take_number(text, 2);
  if (!take_text(text, " ")) return std::nullopt;
  const auto time = take_time(text);
  if (!take_text(text, " ")) return std::nullopt;
  const auto year = take_number(text, 4);
  return text.empty() ? instant(year, month, day, time) : std::nullopt;
}

/// `Z`, `+01:00`; how far the local time is ahead.
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take_text(text, "Z") || take_text(text, "z")) return std::chrono::minutes{0};
  const bool is_ahead = take_text(text, "+");
  if (!is_ahead && !take_text(text, "-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take_text(text, ":")) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const auto span = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return is_ahead ? span : -span;
}

struct go_unit {
  std::string_view name;
  nanos length;
};

/// Longer names first. Days are not Go's, but providers write them.
constexpr std::array go_units{
    go_unit{"ns", nanos{1}},          go_unit{"us", nanos{1e3}},   go_unit{"\xC2\xB5s", nanos{1e3}},
    go_unit{"\xCE\xBCs", nanos{1e3}}, go_unit{"ms", nanos{1e6}},   go_unit{"s", nanos{1e9}},
    go_unit{"m", nanos{60e9}},        go_unit{"h", nanos{3600e9}}, go_unit{"d", nanos{86400e9}}};

}  // namespace

std::optional<milliseconds> parse_decimal(std::string_view text, milliseconds unit) {
  const auto value = take_decimal(text);
  if (!value || !text.empty()) return std::nullopt;
  return bounded(*value * nanos{unit});
}

std::optional<milliseconds> parse_go_duration(std::string_view text) {
  if (text == "0") return milliseconds{0};
  nanos sum{0};
  do {
    const auto value = take_decimal(text);
    const auto unit = std::ranges::find_if(
        go_units, [&](const go_unit& u) { return value && take_text(text, u.name); });
    if (unit == go_units.end()) return std::nullopt;
    sum += *value * unit->length;
  } while (!text.empty());
  return bounded(sum);
}

std::optional<base::wall_time> parse_http_date(std::string_view text, base::wall_time now) {
  constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  const auto is_begin = [&](std::string_view day) { return take_text(text, day); };
  if (std::ranges::none_of(days, is_begin)) return std::nullopt;
  if (take_text(text, ", ")) return parse_imf(text);
  if (take_text(text, " ")) return parse_asctime(text);
  const auto comma = text.find(", ");
  if (comma == std::string_view::npos || comma > 6) return std::nullopt;
  return parse_rfc850(text.substr(comma + 2), now);
}

std::optional<base::wall_time> parse_rfc3339(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!take_text(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_text(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (text.empty() || (base::to_lower(text.front()) != 't' && text.front() != ' '))
    return std::nullopt;
  text.remove_prefix(1);
  const auto time = take_time(text);
  std::chrono::microseconds fraction{0};
  if (take_text(text, ".")) {
    int weight = 100'000;
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), weight /= 10)
      fraction += std::chrono::microseconds{(text.front() - '0') * weight};
  }
  const auto offset = take_offset(text);
  const auto local = instant(year, static_cast<unsigned>(*month), day, time);
  if (!local || !offset || !text.empty()) return std::nullopt;
  return *local + fraction - *offset;
}

}  // namespace understudy::codec
