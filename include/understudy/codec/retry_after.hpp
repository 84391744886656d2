#pragma once
#include <chrono>
#include <optional>

#include <understudy/base/clock.hpp>
#include <understudy/codec/http.hpp>

/// How long an upstream asks to be left alone, by its response fields. Pure; any thread.
namespace understudy::codec {

/// Longer waits are taken for this long.
inline constexpr std::chrono::milliseconds max_retry_after = std::chrono::hours{24};

/// Nothing where no field says so, or none can be read. Rounded up to whole milliseconds; zero
/// means that it may be tried at once.
///
/// 1. `retry-after-ms`, else `retry-after` (seconds, with decimals, or an HTTP date). They win over
///    the windows below, which tell when a limit will be whole again: later than needed.
/// 2. Windows: `x-ratelimit-reset-*` (`1s`, `6m0s`, `20ms`, plain seconds), `x-ratelimit-reset` and
///    `ratelimit-reset` (seconds, or the Unix time in seconds or milliseconds),
///    `anthropic-ratelimit-*-reset` (RFC 3339). The longest of those whose `remaining` is 0; for a
///    429 in which none is 0, the longest of all.
///
/// The longest of repeated fields counts. What is negative or can't be read counts as absent; a
/// date that has passed is zero.
std::optional<std::chrono::milliseconds> retry_after(const field_list& fields, int status,
                                                     base::wall_time now);

}  // namespace understudy::codec
