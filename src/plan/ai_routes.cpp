#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "plan/backends.hpp"
#include "plan/origins.hpp"
#include "plan/regex.hpp"
#include "plan/routes.hpp"

namespace understudy::plan {
namespace {

std::string item(const std::string& path, std::string_view list, std::size_t i) {
  return path + "." + std::string{list} + "[" + std::to_string(i) + "]";
}

std::vector<match> compile_matches(compile_state& state, const config::ai_gateway_route& route,
                                   const std::string& field, const config::ai_route_rule& rule) {
  std::vector<match> out;
  for (std::size_t m = 0; m < rule.matches.size(); ++m) {
    auto& made = out.emplace_back();
    const auto& headers = rule.matches[m].headers;
    for (std::size_t h = 0; h < headers.size(); ++h)
      made.headers.push_back(compile_header(
          state, route.header, item(item(field, "matches", m), "headers", h), headers[h]));
  }
  if (out.empty()) out.emplace_back();
  return out;
}

/// A schema that can't serve what its neighbours serve: a failover to it could only fail.
void lint_schemas(compile_state& state, const config::ai_gateway_route& route,
                  const std::string& field, const config::position& at, const rule& compiled) {
  using translate::operation;
  const auto serves = [](const backend& b, operation op) {
    return translate::find(op, b.schema, b.operations) != nullptr;
  };
  for (const auto op : {operation::chat_completions, operation::messages}) {
    const auto able =
        std::ranges::find_if(compiled.backends, [&](const backend& b) { return serves(b, op); });
    if (able == compiled.backends.end()) continue;
    for (std::size_t i = 0; i < compiled.backends.size(); ++i) {
      const auto& b = compiled.backends[i];
      if (serves(b, op)) continue;
      const config::position here{b.position.file, b.position.line, b.position.column};
      state.say.warning(here, route.header, item(field, "backendRefs", i),
                        "schema " + std::string{name(b.schema)} + " can't serve " +
                            std::string{name(op)} + ", which `" + able->name +
                            "` of the same rule serves; such requests fail here");
    }
    return;  // Anthropic's own operation counts only where the OpenAI one is served by nobody
  }
  const auto serves_any = [&](const backend& b) {
    for (int op = 0; op < static_cast<int>(operation::unknown); ++op)
      if (serves(b, static_cast<operation>(op))) return true;
    return false;
  };
  for (const auto& b : compiled.backends)
    if (!serves_any(b))
      state.say.warning(at, route.header, field,
                        "schema " + std::string{name(b.schema)} + " of `" + b.name +
                            "` does not act yet: no operation is translated to it");
}

rule compile_rule(compile_state& state, const config::ai_gateway_route& route,
                  const config::ai_route_rule& written, std::size_t index) {
  const rule_context context{.route = route.header,
                             .parents = route.parents,
                             .rule_name = written.name.value,
                             .rule_field = "spec.rules[" + std::to_string(index) + "]",
                             .at = written.at,
                             .hostnames = names_of(route.hostnames),
                             .is_ai = true};
  rule out;
  out.name = route.header.id() + "/rule/" + std::to_string(index);
  out.position = place(written.at);
  out.matches = compile_matches(state, route, context.rule_field, written);
  bool is_broken = route.header.is_broken;
  for (std::size_t i = 0; i < written.backends.size(); ++i) {
    const auto& ref = written.backends[i];
    if (!ref.name.is_written) continue;
    const ref_context where{route.header, item(context.rule_field, "backendRefs", i), ref.at};
    if (auto made = compile_backend(state, where, route, ref)) {
      const auto& space = route.header.name_space;
      made->full_name = space + "/" + made->name;
      made->id = made->full_name + "/route/" + route.header.name + "/rule/" +
                 std::to_string(index) + "/ref/" + std::to_string(i);
      out.backends.push_back(std::move(*made));
    } else {
      is_broken = true;
    }
  }
  hide_request_credentials(out.backends);
  const config::route_timeouts none;
  const auto& timeouts = written.timeouts ? *written.timeouts : none;
  if (written.stream_idle_timeout.value.count() > 0)
    out.timeouts.per_try_idle = written.stream_idle_timeout.value;
  finish_rule(state, context, timeouts.request, timeouts.backend_request, is_broken, out);
  if (out.timeouts.per_try_idle) out.timeouts.body_idle.reset();
  note_stream_idle(context, written.stream_idle_timeout, out);
  if (!is_broken) lint_schemas(state, route, context.rule_field, written.at, out);
  return out;
}

}  // namespace

route compile_route(compile_state& state, const config::ai_gateway_route& written) {
  route out;
  out.name = written.header.id();
  out.position = place(written.header.at);
  for (const auto& host : written.hostnames) out.hostnames.push_back(base::lower(host.value));
  const auto costs = compile_costs(state, written);
  for (std::size_t i = 0; i < written.rules.size(); ++i) {
    out.rules.push_back(compile_rule(state, written, written.rules[i], i));
    out.rules.back().costs = costs;
  }
  return out;
}

void list_models(compile_state& state) {
  for (const auto& route : state.in.ai_routes)
    for (const auto& rule : route.rules)
      for (const auto& match : rule.matches)
        for (const auto& header : match.headers) {
          if (header.name.value != "x-ai-eg-model" || header.type.value != "Exact") continue;
          model_entry made;
          made.id = header.value.value;
          made.owned_by = rule.models_owned_by.value;
          made.created =
              rule.models_created_at.is_written ? rule.models_created_at.value : state.created;
          for (const auto& host : route.hostnames)
            made.hostnames.push_back(base::lower(host.value));
          state.out.models.push_back(std::move(made));
        }
}

}  // namespace understudy::plan
