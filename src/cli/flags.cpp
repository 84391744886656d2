#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <limits>

#include <understudy/cli/commands.hpp>
#include <understudy/net/address.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::cli {
namespace {

struct host_and_port {
  std::string host;
  std::uint16_t port = 0;
};

host_and_port split(const std::string& flag, const std::string& text) {
  const auto colon = text.rfind(':');
  host_and_port parts;
  if (colon != text.npos) {
    const char* end = text.data() + text.size();
    const auto [at, ec] = std::from_chars(text.data() + colon + 1, end, parts.port);
    parts.host = text.substr(0, colon);
    if (parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']')
      parts.host = parts.host.substr(1, parts.host.size() - 2);
    if (ec == std::errc{} && at == end && colon + 1 != text.size()) return parts;
  }
  throw usage_error{flag + ": `" + text + "` is not ADDR:PORT"};
}

std::string checked_address(const std::string& flag, std::string host) {
  if (host == "localhost") host = "127.0.0.1";
  if (host.empty() || host == "*") return {};
  if (!net::is_ip_address(host)) throw usage_error{flag + ": `" + host + "` is not an IP address"};
  return host;
}

daemon::listen_override listen_override_of(const std::string& text) {
  daemon::listen_override o;
  std::string where = text;
  if (const auto equals = text.find('='); equals != text.npos) {
    o.listener = text.substr(0, equals);
    where = text.substr(equals + 1);
  }
  const auto parts = split("--listen", where);
  o.address = checked_address("--listen", parts.host);
  o.port = parts.port;
  return o;
}

std::chrono::milliseconds duration_of(const std::string& flag, const std::string& text) {
  std::chrono::milliseconds total{0};
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    std::uint32_t number = 0;
    const auto [after, ec] = std::from_chars(at, end, number);
    if (ec != std::errc{}) break;
    const std::string_view rest{after, static_cast<std::size_t>(end - after)};
    if (rest.starts_with("ms")) {
      total += std::chrono::milliseconds{number};
      at = after + 2;
    } else if (rest.starts_with('s') || rest.starts_with('m') || rest.starts_with('h')) {
      const int seconds = rest[0] == 's' ? 1 : rest[0] == 'm' ? 60 : 3600;
      total += std::chrono::seconds{std::int64_t{number} * seconds};
      at = after + 1;
    } else {
      break;
    }
  }
  if (at != end || text.empty())
    throw usage_error{flag + ": `" + text + "` is not a duration (write 30s, 1m30s, 500ms)"};
  return total;
}

/// `512Mi`, `2Gi`, `64K` or bytes, as in the configuration.
std::size_t size_of(const std::string& flag, const std::string& text) {
  std::size_t number = 0;
  const char* end = text.data() + text.size();
  const auto [after, ec] = std::from_chars(text.data(), end, number);
  const std::string_view unit{after, static_cast<std::size_t>(end - after)};
  const std::size_t base = unit.ends_with('i') ? 1024 : 1000;
  const auto power = std::string_view{"KMGT"}.find(unit.empty() ? ' ' : unit.front());
  const bool is_known =
      unit.empty() || (power != std::string_view::npos && unit.size() == (base == 1024 ? 2U : 1U));
  std::size_t factor = 1;
  for (std::size_t i = 0; is_known && !unit.empty() && i <= power; ++i) factor *= base;
  if (ec != std::errc{} || !is_known || number == 0 ||
      number > std::numeric_limits<std::size_t>::max() / factor)
    throw usage_error{flag + ": `" + text + "` is no size (write 512Mi, 2Gi or bytes)"};
  return number * factor;
}

telemetry::log_format format_of(const std::string& text, int fd) {
  if (text == "text") return telemetry::log_format::text;
  if (text == "json") return telemetry::log_format::json;
  if (!text.empty()) throw usage_error{"--log-format: `" + text + "` is neither text nor json"};
  return ::isatty(fd) == 1 ? telemetry::log_format::text : telemetry::log_format::json;
}

/// `text` and `json` are understudy's own lines, anything else Envoy's commands.
plan::access_log access_log_of(const run_flags& flags, telemetry::log_format own) {
  using kind = plan::log_format::kind;
  plan::access_log out;
  out.path = flags.access_log.empty() || flags.access_log == "-" ? "/dev/stdout" : flags.access_log;
  const auto& text = flags.access_log_format;
  const bool is_json = text.empty() ? own == telemetry::log_format::json : text == "json";
  out.format.what = is_json ? kind::own_json : kind::own_text;
  if (text.empty() || text == "json" || text == "text") return out;
  if (text.find('%') == text.npos)
    throw usage_error{"--access-log-format: `" + text +
                      "` is neither text nor json, and has no command, as `%RESPONSE_CODE%`"};
  out.format.what = kind::pattern;
  auto pattern = plan::parse_log_pattern(text, out.format);
  if (!pattern)
    throw usage_error{"--access-log-format: at character " +
                      std::to_string(pattern.error().offset + 1) + ": " + pattern.error().message};
  out.format.pattern = std::move(*pattern);
  return out;
}

std::shared_ptr<const trace::settings> traces_of_environment() {
  auto read = trace::read_settings(environment_variable, UNDERSTUDY_VERSION);
  if (!read.error.empty()) throw usage_error{read.error};
  for (const auto& w : read.warnings) telemetry::log::warning("trace", w);
  if (!read.on) return nullptr;
  return std::make_shared<const trace::settings>(std::move(*read.on));
}

telemetry::header_attributes attributes_of_environment(telemetry::signal_kind of) {
  auto read = telemetry::read_header_attributes(environment_variable, of);
  if (!read.error.empty()) throw usage_error{read.error};
  return std::move(read.all);
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string{value};
}

daemon::options to_options(const run_flags& flags) {
  daemon::options o;
  for (const auto& l : flags.listen) o.listen.push_back(listen_override_of(l));
  if (flags.admin != "off") {
    const auto parts = split("--admin", flags.admin);
    const auto host = checked_address("--admin", parts.host);
    if (!net::is_loopback_address(host) && flags.admin_token.empty())
      throw usage_error{"--admin: " + flags.admin +
                        " is not loopback; that requires --admin-token"};
    o.admin = daemon::admin_address{host.empty() ? "0.0.0.0" : host, parts.port};
  }
  o.admin_token = flags.admin_token;
  o.workers = flags.workers == 0 ? daemon::usable_cpus() : flags.workers;
  if (o.workers > 1024) throw usage_error{"--workers: at most 1024"};
  o.drain_timeout = duration_of("--drain-timeout", flags.drain_timeout);
  if (!flags.request_memory.empty())
    o.request_memory = size_of("--request-memory", flags.request_memory);
  for (const auto& r : flags.resolve) {
    const auto equals = r.find('=');
    if (equals == r.npos) throw usage_error{"--resolve: `" + r + "` is not HOST:PORT=ADDR:PORT"};
    split("--resolve", r.substr(0, equals));
    const auto to = split("--resolve", r.substr(equals + 1));
    if (checked_address("--resolve", to.host).empty())
      throw usage_error{"--resolve: `" + r + "` names no address to connect to"};
    const std::string host = to.host == "localhost" ? "127.0.0.1" : to.host;
    const bool is_v6 = host.find(':') != host.npos;
    o.resolve[r.substr(0, equals)] =
        (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(to.port);
  }
  o.telemetry.access_log_format = format_of(flags.log_format, STDOUT_FILENO);
  if (flags.access_log == "off")
    o.telemetry.access_log_fd = -1;
  else if (!flags.access_log.empty() || !flags.access_log_format.empty())
    o.telemetry.access_logs.emplace({access_log_of(flags, o.telemetry.access_log_format)});
  o.telemetry.started = base::wall_now();
  o.telemetry.metric_attributes = attributes_of_environment(telemetry::signal_kind::metrics);
  o.telemetry.log_attributes = attributes_of_environment(telemetry::signal_kind::access_log);
  if (!telemetry::log::init(flags.log_level, format_of(flags.log_format, STDERR_FILENO)))
    throw usage_error{"--log-level: `" + flags.log_level +
                      "` is not trace, debug, info, warn, error or off"};
  o.traces = traces_of_environment();
  return o;
}

}  // namespace understudy::cli
