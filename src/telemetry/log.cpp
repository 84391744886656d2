#include <understudy/telemetry/log.hpp>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <unistd.h>

#include <understudy/base/ascii.hpp>
#include <understudy/telemetry/fd_writer.hpp>
#include <understudy/telemetry/log_repeats.hpp>
#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry::log {
namespace {

constexpr std::size_t max_message_bytes = 4'000;
constexpr std::size_t max_rooms = 64;

spdlog::level::level_enum to_spdlog(level l) {
  switch (l) {
    case level::trace:
      return spdlog::level::trace;
    case level::debug:
      return spdlog::level::debug;
    case level::info:
      return spdlog::level::info;
    case level::warning:
      return spdlog::level::warn;
    case level::error:
      return spdlog::level::err;
    case level::off:
      break;
  }
  return spdlog::level::off;
}

std::string_view name(level l) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warning", "error", "off"};
  return names[static_cast<std::size_t>(l)];
}

/// spdlog formats and filters; the bytes leave without ever blocking a worker.
class writer_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  writer_sink(int fd, log_format format) : writer_{fd} {
    const bool is_colored = format == log_format::text && ::isatty(fd) == 1;
    begin_color_ = is_colored;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    line_.clear();
    const char* color = begin_color_ ? color_of(message.level) : "";
    line_ += color;
    line_.append(text.data(), text.size());
    if (*color != '\0') line_.insert(line_.size() - 1, "\033[0m");
    writer_.write(line_);
  }
  void flush_() override { writer_.flush(); }

  static const char* color_of(spdlog::level::level_enum l) {
    if (l >= spdlog::level::err) return "\033[31m";
    if (l == spdlog::level::warn) return "\033[33m";
    return "";
  }

  fd_writer writer_;
  bool begin_color_ = false;
  std::string line_;
};

struct levels {
  level base = level::info;
  std::map<std::string, level, std::less<>> by_room;

  level of(std::string_view room) const {
    const auto found = by_room.find(room);
    return found == by_room.end() ? base : found->second;
  }
};

/// One spdlog logger a room, because the level belongs to the logger.
struct state {
  log_format format = log_format::text;
  levels wanted;
  std::shared_ptr<writer_sink> sink;
  std::map<std::string, std::shared_ptr<spdlog::logger>, std::less<>> loggers;
  repeat_filter repeats;

  std::shared_ptr<spdlog::logger> logger(std::string_view room) {
    const auto found = loggers.find(room);
    if (found != loggers.end()) return found->second;
    auto made = std::make_shared<spdlog::logger>(std::string{room}, sink);
    made->set_level(to_spdlog(wanted.of(room)));
    made->set_error_handler([](const std::string&) {});
    if (loggers.size() < max_rooms) loggers.emplace(room, made);
    return made;
  }
};

std::atomic<int> lowest{static_cast<int>(level::info)};

std::mutex& mutex() {
  static std::mutex m;
  return m;
}

std::unique_ptr<spdlog::formatter> make_formatter(log_format format) {
  const char* pattern = format == log_format::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l [%n] %v";
  return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n");
}

state make_state(levels wanted, log_format format, int fd) {
  state s;
  s.format = format;
  s.wanted = std::move(wanted);
  s.sink = std::make_shared<writer_sink>(fd, format);
  s.sink->set_formatter(make_formatter(format));
  return s;
}

/// Never destroyed: the last lines of the process may come from static destructors.
state& current() {
  static state& s = *new state{make_state({}, log_format::text, 2)};
  return s;
}

std::optional<levels> parse(std::string_view text) {
  levels wanted;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto item = base::trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const auto equals = item.find('=');
    const auto l = level_named(equals == std::string_view::npos ? item : item.substr(equals + 1));
    if (!l) return std::nullopt;
    if (equals == std::string_view::npos)
      wanted.base = *l;
    else
      wanted.by_room[std::string{item.substr(0, equals)}] = *l;
  }
  return wanted;
}

std::string text_payload(std::string_view message, fields with) {
  std::string out;
  append_escaped(out, message, max_message_bytes);
  for (const auto& [key, value] : with) {
    out.append(" ").append(key).append("=");
    append_escaped(out, value, max_message_bytes);
  }
  return out;
}

std::string json_payload(level l, std::string_view room, std::string_view message, fields with) {
  std::string out = R"({"time":")";
  timestamp_writer{}.append(out, base::wall_now());
  out.append(R"(","level":")").append(name(l)).append(R"(","room":)");
  append_json(out, room);
  out += R"(,"message":)";
  append_json(out, message, max_message_bytes);
  for (const auto& [key, value] : with) {
    out += ',';
    append_json(out, key);
    out += ':';
    append_json(out, value, max_message_bytes);
  }
  out += '}';
  return out;
}

}  // namespace

std::optional<level> level_named(std::string_view text) {
  if (base::iequals(text, "warn")) return level::warning;
  for (const auto l :
       {level::trace, level::debug, level::info, level::warning, level::error, level::off})
    if (base::iequals(text, name(l))) return l;
  return std::nullopt;
}

bool init(std::string_view text, log_format format, int fd) {
  auto wanted = parse(text);
  if (!wanted) return false;
  int least = static_cast<int>(wanted->base);
  for (const auto& [room, l] : wanted->by_room) least = std::min(least, static_cast<int>(l));
  const std::lock_guard lock{mutex()};
  current() = make_state(std::move(*wanted), format, fd);
  lowest.store(least, std::memory_order_relaxed);
  return true;
}

bool is_enabled(level l, std::string_view room) {
  if (static_cast<int>(l) < lowest.load(std::memory_order_relaxed)) return false;
  if (room.empty()) return true;
  const std::lock_guard lock{mutex()};
  return l >= current().wanted.of(room);
}

namespace {

void put(spdlog::logger& to, log_format format, level l, std::string_view room,
         std::string_view message, fields with, std::uint64_t repeated = 0) {
  std::string payload;
  if (format == log_format::json) {
    payload = json_payload(l, room, message, with);
    if (repeated != 0)
      payload.insert(payload.size() - 1, ",\"repeated\":" + std::to_string(repeated));
  } else {
    payload = text_payload(message, with);
    if (repeated != 0) payload += " … repeated " + std::to_string(repeated) + " times";
  }
  to.log(to_spdlog(l), spdlog::string_view_t{payload.data(), payload.size()});
}

}  // namespace

void tell_repeats(bool is_last) {
  std::vector<repeat_filter::summary> due;
  {
    const std::lock_guard lock{mutex()};
    due = current().repeats.due(base::clock::now(), is_last);
  }
  for (const auto& held : due) {
    std::shared_ptr<spdlog::logger> logger;
    log_format format = log_format::text;
    {
      const std::lock_guard lock{mutex()};
      logger = current().logger(held.room);
      format = current().format;
    }
    put(*logger, format, held.at, held.room, held.message, {}, held.times);
  }
}

void write(level l, std::string_view room, std::string_view message, fields with) {
  if (l == level::off || !is_enabled(l)) return;
  tell_repeats();
  std::shared_ptr<spdlog::logger> logger;
  log_format format = log_format::text;
  {
    const std::lock_guard lock{mutex()};
    logger = current().logger(room);
    format = current().format;
    if (!logger->should_log(to_spdlog(l))) return;
    // What is asked for in detail is given in detail; what has fields says another thing each time.
    if (l >= level::info && with.size() == 0 &&
        !current().repeats.lets_through(l, room, message, base::clock::now()))
      return;
  }
  put(*logger, format, l, room, message, with);
}

}  // namespace understudy::telemetry::log
