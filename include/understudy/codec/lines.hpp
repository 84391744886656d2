#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

/// Lines that end in CR, LF or both, as those of server-sent events (WHATWG HTML §9.2). Pure.
namespace understudy::codec {

/// The first `c`, or null.
inline const char* find_byte(const char* at, const char* end, char c) {
  return static_cast<const char*>(std::memchr(at, c, static_cast<std::size_t>(end - at)));
}

/// The first CR or LF, or `end`.
inline const char* find_line_end(const char* at, const char* end) {
  constexpr std::ptrdiff_t window = 256;  // so that many short lines are not searched many times
  for (; at != end; at += std::min(window, end - at)) {
    const char* stop = at + std::min(window, end - at);
    const char* feed = find_byte(at, stop, '\n');
    const char* carriage = find_byte(at, feed == nullptr ? stop : feed, '\r');
    if (carriage != nullptr) return carriage;
    if (feed != nullptr) return feed;
  }
  return end;
}

/// Cuts the first line off, without its end.
inline std::string_view take_line(std::string_view& block) {
  const char* end = block.data() + block.size();
  const std::string_view line{block.data(), find_line_end(block.data(), end)};
  const bool is_pair = block.substr(line.size(), 2) == "\r\n";
  block.remove_prefix(std::min(line.size() + (is_pair ? 2 : 1), block.size()));
  return line;
}

}  // namespace understudy::codec
