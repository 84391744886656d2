#include <algorithm>

#include <understudy/base/ascii.hpp>
#include <understudy/config/json_writer.hpp>

#include "plan/backends.hpp"

namespace understudy::plan {
namespace {

bool is_gateway_name(std::string_view lower) {
  return lower.starts_with(':') || lower.starts_with("x-ai-eg-") ||
         lower == "x-envoy-original-path";
}

/// The value as JSON: raw when it looks like it, else a string of it.
std::string as_json(std::string_view text) {
  auto trimmed = text;
  const auto first = trimmed.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return config::json_quoted(text);
  trimmed = trimmed.substr(first, trimmed.find_last_not_of(" \t\r\n") - first + 1);
  const auto is_wrapped = [&](char open, char close) {
    return trimmed.size() >= 2 && trimmed.front() == open && trimmed.back() == close;
  };
  const char c = trimmed.front();
  const bool is_number = (c == '-' || c == '+' || (c >= '0' && c <= '9')) &&
                         trimmed.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
  const bool is_raw = is_wrapped('"', '"') || is_wrapped('{', '}') || is_wrapped('[', ']') ||
                      trimmed == "true" || trimmed == "false" || trimmed == "null" || is_number;
  return is_raw ? std::string{trimmed} : config::json_quoted(text);
}

void add(header_mutation& out, const std::optional<config::header_mutation_spec>& spec) {
  if (!spec) return;
  for (const auto& [name, value] : spec->set) {
    const auto lower = base::lower(name.value);
    const bool is_there =
        std::ranges::any_of(out.set, [&](const codec::owned_field& f) { return f.name == lower; });
    if (!is_there && !is_gateway_name(lower)) out.set.push_back({lower, value.value});
  }
  for (const auto& name : spec->remove) {
    const auto lower = base::lower(name.value);
    if (!is_gateway_name(lower) && std::ranges::find(out.remove, lower) == out.remove.end())
      out.remove.push_back(lower);
  }
}

void add(body_mutation& out, const std::optional<config::body_mutation_spec>& spec) {
  if (!spec) return;
  for (const auto& pair : spec->set) {
    const auto& path = pair.name.value;
    const bool is_there = std::ranges::any_of(
        out.set, [&](const body_mutation::assignment& a) { return a.path == path; });
    if (!is_there) out.set.push_back({path, as_json(pair.value.value)});
  }
  for (const auto& path : spec->remove)
    if (std::ranges::find(out.remove, path.value) == out.remove.end())
      out.remove.push_back(path.value);
}

}  // namespace

header_mutation merge_headers(const std::optional<config::header_mutation_spec>& ref,
                              const std::optional<config::header_mutation_spec>& service) {
  header_mutation out;
  add(out, ref);
  add(out, service);
  return out;
}

body_mutation merge_bodies(const std::optional<config::body_mutation_spec>& ref,
                           const std::optional<config::body_mutation_spec>& service) {
  body_mutation out;
  add(out, ref);
  add(out, service);
  return out;
}

}  // namespace understudy::plan
