#include <understudy/plan/plan.hpp>

namespace understudy::plan {
namespace {

/// The model that a match wants, exactly; null: any, or one of a pattern.
const std::string* model_of(const match& wanted) {
  for (const auto& header : wanted.headers)
    if (header.name == model_header && !header.pattern) return &header.value;
  return nullptr;
}

void index_host(const plan& made, virtual_host& host) {
  host.by_model.clear();
  host.without_model.clear();
  for (std::uint32_t i = 0; i < host.matches.size(); ++i) {
    const auto& at = host.matches[i];
    const auto& matches = made.routes[at.route].rules[at.rule].matches;
    const auto* model = matches.empty() ? nullptr : model_of(matches[at.match]);
    (model != nullptr ? host.by_model[*model] : host.without_model).push_back(i);
  }
}

}  // namespace

void index_matches(plan& made) {
  for (auto& listener : made.listeners) {
    listener.by_hostname.clear();
    for (std::uint32_t i = 0; i < listener.virtual_hosts.size(); ++i) {
      auto& host = listener.virtual_hosts[i];
      index_host(made, host);
      const bool is_pattern = host.hostname.empty() || host.hostname.starts_with("*.");
      if (!is_pattern) listener.by_hostname.try_emplace(host.hostname, i);
    }
  }
}

}  // namespace understudy::plan
