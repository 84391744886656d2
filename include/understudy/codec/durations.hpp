#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include <understudy/base/clock.hpp>

/// Spans and instants as header fields write them. Nothing for what can't be read; any bytes.
namespace understudy::codec {

/// More than any field needs: longer spans are this long, so that sums can't overflow.
inline constexpr std::chrono::milliseconds max_parsed_span = std::chrono::hours{24 * 365};

/// `2`, `0.5`: a decimal without sign or exponent, in that unit. Rounded up to milliseconds.
std::optional<std::chrono::milliseconds> parse_decimal(std::string_view text,
                                                       std::chrono::milliseconds unit);

/// A Go duration: `1s`, `6m0s`, `1h2m3.5s`, `20ms`, `17µs`, `1d2h`. Not negative; `0` is one, too.
std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view text);

/// The three forms of RFC 9110 §5.6.7. `now` decides the century of a two-digit year.
std::optional<base::wall_time> parse_http_date(std::string_view text, base::wall_time now);

/// RFC 3339 with any offset; fractions below microseconds are dropped.
std::optional<base::wall_time> parse_rfc3339(std::string_view text);

}  // namespace understudy::codec
