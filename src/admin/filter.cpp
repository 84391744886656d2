#include <array>
#include <charconv>

#include <understudy/admin/requests.hpp>
#include <understudy/base/ascii.hpp>

#include "admin/uri.hpp"

namespace understudy::admin {
namespace {

using telemetry::story_filter;

constexpr std::size_t max_limit = 1'000;
constexpr std::string_view known =
    "limit, route, backend, model, status (503 or 5xx), min_attempts, min_ms, only (errors or "
    "failovers)";

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return value;
}

/// False: the value cannot be read.
bool set_status(story_filter& out, std::string_view text) {
  const bool is_class = text.size() == 3 && base::iequals(text.substr(1), "xx");
  const auto value = number(is_class ? text.substr(0, 1) : text);
  if (!value || *value == 0 || (is_class ? *value > 5 : *value < 100 || *value > 599)) return false;
  out.status = static_cast<int>(*value);
  return true;
}

bool set(story_filter& out, std::string_view key, const std::string& value) {
  if (key == "route") return (out.route = value, true);
  if (key == "backend") return (out.backend = value, true);
  if (key == "model") return (out.model = value, true);
  if (key == "status") return set_status(out, value);
  if (key == "only") {
    out.only_errors = value == "errors";
    out.only_failovers = value == "failovers";
    return out.only_errors || out.only_failovers;
  }
  const auto count = number(value);
  if (!count) return false;
  if (key == "limit") out.limit = *count;
  if (key == "min_attempts") out.min_attempts = *count;
  if (key == "min_ms") out.min_elapsed = std::chrono::milliseconds{*count};
  return key != "limit" || (*count >= 1 && *count <= max_limit);
}

bool is_known(std::string_view key) {
  constexpr std::array<std::string_view, 8> all{"limit",  "route",        "backend", "model",
                                                "status", "min_attempts", "min_ms",  "only"};
  for (const auto name : all)
    if (key == name) return true;
  return false;
}

}  // namespace

base::result<story_filter, filter_error> parse_filter(std::string_view query) {
  story_filter out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto key = pair.substr(0, equals);
    const auto value =
        percent_decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (!is_known(key))
      return filter_error{"no such filter: `" + std::string{key.substr(0, 64)} + "`; there are " +
                          std::string{known}};
    if (!value || !set(out, key, *value))
      return filter_error{"`" + std::string{key} + "` cannot be read; there are " +
                          std::string{known}};
  }
  return out;
}

}  // namespace understudy::admin
