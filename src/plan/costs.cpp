#include <algorithm>

#include "plan/routes.hpp"

namespace understudy::plan {
namespace {

constexpr std::string_view config_annotation = "aigateway.envoyproxy.io/gateway-config";

cost_type type_named(std::string_view name) {
  constexpr std::pair<std::string_view, cost_type> types[] = {
      {"InputToken", cost_type::input_token},
      {"OutputToken", cost_type::output_token},
      {"TotalToken", cost_type::total_token},
      {"CachedInputToken", cost_type::cached_input_token},
      {"CacheCreationInputToken", cost_type::cache_creation_input_token},
      {"ReasoningToken", cost_type::reasoning_token},
      {"CEL", cost_type::cel}};
  for (const auto& [text, type] : types)
    if (text == name) return type;
  return cost_type::total_token;
}

/// Around where an expression fails, for a message.
std::string near(std::string_view text, std::size_t offset) {
  constexpr std::size_t shown = 24;
  const auto from = std::min(offset, text.size());
  const auto rest = text.substr(from, shown);
  return rest.empty() ? std::string{"at its end"}
                      : "at character " + std::to_string(from + 1) + ", `" + std::string{rest} +
                            (from + shown < text.size() ? "…`" : "`");
}

/// Compiled, and evaluated once with zeros and `dummy` (spec/gateway-config.md §1.8).
std::optional<cel::program> compile_expression(compile_state& state,
                                               const config::object_header& owner,
                                               const std::string& field,
                                               const config::located<std::string>& written) {
  auto made = cel::compile(written.value);
  if (!made) {
    state.say.error(written.at, owner, field,
                    near(written.value, made.error().offset) + ": " + made.error().message);
    return std::nullopt;
  }
  const cel::variables dummy{.model = "dummy", .backend = "dummy", .route_name = "dummy"};
  if (const auto tried = made->evaluate(dummy); !tried) {
    state.say.error(written.at, owner, field,
                    "with no tokens at all it comes to " + std::string{name(tried.error())} +
                        "; guard it, as in `output_tokens == 0u ? 0u : …`");
    return std::nullopt;
  }
  return std::move(*made);
}

void add_costs(compile_state& state, const config::object_header& owner, std::string_view list,
               const std::vector<config::request_cost>& written, std::vector<cost>& out) {
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto& w = written[i];
    if (!w.key.is_written || !w.type.is_written) continue;
    if (std::ranges::find(out, w.key.value, &cost::key) != out.end()) continue;  // the route's own
    cost made;
    made.key = w.key.value;
    made.type = type_named(w.type.value);
    if (made.type == cost_type::cel) {
      if (!w.cel.is_written) continue;
      made.expression = compile_expression(
          state, owner, "spec." + std::string{list} + "[" + std::to_string(i) + "].cel", w.cel);
      if (!made.expression) continue;
    }
    out.push_back(std::move(made));
  }
}

/// The GatewayConfigs of the Gateways of a route. With no Gateway among the files: the one there
/// is.
std::vector<const config::gateway_config*> configs_of(const compile_state& state,
                                                      const config::ai_gateway_route& route) {
  std::vector<const config::gateway_config*> out;
  if (state.in.gateways.empty()) {
    for (const auto& one : state.in.gateway_configs) out.push_back(&one);
    return out;
  }
  for (const auto& parent : route.parents) {
    const auto& space =
        parent.name_space.is_written ? parent.name_space.value : route.header.name_space;
    const auto* gateway = find_object(state.in.gateways, space, parent.name.value);
    if (gateway == nullptr) continue;
    const auto named = gateway->header.annotations.find(std::string{config_annotation});
    if (named == gateway->header.annotations.end()) continue;
    if (const auto* found =
            find_object(state.in.gateway_configs, gateway->header.name_space, named->second.value))
      out.push_back(found);
    else if (!state.in.is_incomplete)
      state.say.error(
          named->second.at, gateway->header,
          "metadata.annotations." + std::string{config_annotation},
          "no GatewayConfig `" + gateway->header.name_space + "/" + named->second.value + "`; " +
              remedy(named->second.value,
                     names_in(gateway->header.name_space, state.in.gateway_configs), "add it"));
  }
  return out;
}

}  // namespace

std::vector<cost> compile_costs(compile_state& state, const config::ai_gateway_route& route) {
  std::vector<cost> out;
  add_costs(state, route.header, "llmRequestCosts", route.costs, out);
  for (const auto* global : configs_of(state, route))
    add_costs(state, global->header, "globalLLMRequestCosts", global->costs, out);
  return out;
}

}  // namespace understudy::plan
