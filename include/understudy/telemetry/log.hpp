#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include <understudy/telemetry/access_log.hpp>

/// The process's own log, on standard error. Thread-safe; never throws and never blocks: lines
/// that a full pipe or disk does not take are dropped. Secrets must not be handed in.
namespace understudy::telemetry::log {

enum class level : std::uint8_t { trace, debug, info, warning, error, off };

/// `warn` and `warning` are the same.
std::optional<level> level_named(std::string_view name);

/// `levels` is a level, then exceptions by room: `info` or `info,net=debug,plan=warning`.
/// Before the first call, `info` as text. False when `levels` cannot be read; nothing changes.
bool init(std::string_view levels, log_format format, int fd = 2);

bool is_enabled(level l, std::string_view room = {});

using field = std::pair<std::string_view, std::string_view>;
using fields = std::initializer_list<field>;

void write(level l, std::string_view room, std::string_view message, fields with = {});

inline void debug(std::string_view room, std::string_view message, fields with = {}) {
  write(level::debug, room, message, with);
}
inline void info(std::string_view room, std::string_view message, fields with = {}) {
  write(level::info, room, message, with);
}
inline void warning(std::string_view room, std::string_view message, fields with = {}) {
  write(level::warning, room, message, with);
}
inline void error(std::string_view room, std::string_view message, fields with = {}) {
  write(level::error, room, message, with);
}

}  // namespace understudy::telemetry::log
