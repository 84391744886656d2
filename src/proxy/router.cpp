#include <understudy/proxy/router.hpp>

#include <algorithm>
#include <array>
#include <span>

#include <understudy/base/ascii.hpp>

namespace understudy::proxy {
namespace {

using plan::model_header;
constexpr std::string_view owned_prefix = "x-ai-eg-";

bool value_matches(const plan::header_match& wanted, std::string_view value) {
  return wanted.pattern ? wanted.pattern->matches(value) : wanted.value == value;
}

bool header_matches(const plan::header_match& wanted, const match_input& input) {
  if (wanted.name == model_header) return value_matches(wanted, input.model);
  if (wanted.name.starts_with(owned_prefix)) return false;
  const auto value = input.fields->find(wanted.name);
  return value && value_matches(wanted, *value);
}

bool query_matches(const plan::header_match& wanted, std::string_view query) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) != wanted.name) continue;
    return value_matches(wanted,
                         equals == pair.npos ? std::string_view{} : pair.substr(equals + 1));
  }
  return false;
}

/// A prefix match ends at a path segment: `/v1` matches `/v1` and `/v1/x`, not `/v10`.
bool prefix_matches(std::string_view prefix, std::string_view path) {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || path[prefix.size()] == '/';
}

bool path_matches(const plan::match& m, std::string_view path) {
  switch (m.path_kind) {
    case plan::path_match_kind::prefix:
      return prefix_matches(m.path, path);
    case plan::path_match_kind::exact:
      return path == m.path;
    case plan::path_match_kind::regular_expression:
      return m.path_pattern && m.path_pattern->matches(path);
  }
  return false;
}

bool all_match(const plan::match& m, const match_input& input) {
  if (!path_matches(m, input.path)) return false;
  if (!m.method.empty() && m.method != input.method) return false;
  return std::ranges::all_of(m.headers, [&](const auto& h) { return header_matches(h, input); }) &&
         std::ranges::all_of(m.query, [&](const auto& q) { return query_matches(q, input.query); });
}

}  // namespace

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool hostname_matches(std::string_view pattern, std::string_view host) {
  if (pattern.empty()) return true;
  if (!pattern.starts_with("*.")) return base::iequals(pattern, host);
  const auto suffix = pattern.substr(1);
  return host.size() > suffix.size() &&
         base::iequals(host.substr(host.size() - suffix.size()), suffix);
}

namespace {

/// The most specific one; hosts with a name of their own stand before the patterns.
const plan::virtual_host* find_host(const plan::listener& listener, std::string_view host) {
  constexpr std::size_t longest_name = 253;
  if (!listener.by_hostname.empty() && host.size() <= longest_name) {
    std::array<char, longest_name> lower;
    std::ranges::transform(host, lower.begin(), base::to_lower);
    const auto named = listener.by_hostname.find(std::string_view{lower.data(), host.size()});
    if (named != listener.by_hostname.end()) return &listener.virtual_hosts[named->second];
  }
  for (auto at = listener.by_hostname.size(); at < listener.virtual_hosts.size(); ++at)
    if (hostname_matches(listener.virtual_hosts[at].hostname, host))
      return &listener.virtual_hosts[at];
  return nullptr;
}

}  // namespace

match_result match(const plan::plan& plan, const plan::listener& listener,
                   const match_input& input) {
  const auto* host = find_host(listener, without_port(input.host));
  if (host == nullptr) return {};
  std::span<const std::uint32_t> of_model;
  if (const auto found = host->by_model.find(input.model); found != host->by_model.end())
    of_model = found->second;
  std::span<const std::uint32_t> others = host->without_model;
  while (!of_model.empty() || !others.empty()) {
    const bool is_other = of_model.empty() || (!others.empty() && others[0] < of_model[0]);
    auto& from = is_other ? others : of_model;
    const auto& at = host->matches[from[0]];
    from = from.subspan(1);
    const auto& route = plan.routes[at.route];
    const auto& rule = route.rules[at.rule];
    if (rule.matches.empty() || all_match(rule.matches[at.match], input))
      return {&route, &rule, true};
  }
  return {nullptr, nullptr, true};
}

}  // namespace understudy::proxy
