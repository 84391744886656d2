#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/base/clock.hpp>
#include <understudy/base/text_writer.hpp>

/// Appending to a line, without locale, stream or allocation beyond the line's own growth.
namespace understudy::telemetry {

/// Longest piece of foreign text in a log line, in bytes before escaping.
inline constexpr std::size_t max_text_bytes = 256;

/// Inside a JSON string: escapes what JSON wants escaped, replaces what is not UTF-8, and cuts
/// at `max_bytes` without splitting a character (a cut is marked with `…`).
void append_escaped(std::string& out, std::string_view text,
                    std::size_t max_bytes = max_text_bytes);
/// The same with the quotes; `null` for an empty text.
void append_json_or_null(std::string& out, std::string_view text,
                         std::size_t max_bytes = max_text_bytes);
/// The same with the quotes, also for an empty text.
void append_json(std::string& out, std::string_view text, std::size_t max_bytes = max_text_bytes);

void append_number(std::string& out, std::uint64_t value);
void append_number(std::string& out, std::int64_t value);
/// Milliseconds with three decimals; negative durations count as zero.
void append_milliseconds(std::string& out, base::duration value);
/// Seconds with as many of nine decimals as are needed.
void append_seconds(std::string& out, std::uint64_t nanoseconds);

/// The same into a line that is being written.
void put_escaped(base::text_writer& out, std::string_view text,
                 std::size_t max_bytes = max_text_bytes);
void put_json(base::text_writer& out, std::string_view text,
              std::size_t max_bytes = max_text_bytes);
void put_json_or_null(base::text_writer& out, std::string_view text,
                      std::size_t max_bytes = max_text_bytes);
void put_milliseconds(base::text_writer& out, base::duration value);

/// RFC 3339 in UTC with milliseconds. Keeps the last second it wrote; one per thread.
class timestamp_writer {
 public:
  void put(base::text_writer& out, base::wall_time at);
  void append(std::string& out, base::wall_time at);

 private:
  std::int64_t second_ = INT64_MIN;
  char text_[20] = {};  ///< `2026-01-02T03:04:05.`
};

/// One such time as a text of its own.
std::string timestamp(base::wall_time at);

}  // namespace understudy::telemetry
