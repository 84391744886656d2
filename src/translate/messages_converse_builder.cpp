#include "translate/messages_converse_builder.hpp"

#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>

#include "translate/dropped.hpp"

#include "translate/converse_builder.hpp"

namespace understudy::translate {
namespace {

constexpr std::array<std::string_view, 17> carried_by_converse{
    "model",       "messages",     "system",        "max_tokens",    "stop_sequences", "stream",
    "temperature", "top_p",        "top_k",         "tools",         "tool_choice",    "thinking",
    "container",   "service_tier", "output_config", "output_format", "mcp_servers"};

json input_schema(const json* given) { return {{"json", object_schema(given)}}; }

}  // namespace

messages_converse_builder::messages_converse_builder(std::string_view model, bool may_drop)
    : model_{model},
      may_drop_{may_drop},
      is_claude_{base::lower(model).find("claude") != std::string::npos} {
  out_ = json{{"messages", json::array()}, {"inferenceConfig", json::object()}};
}

bool messages_converse_builder::refuse(std::string message, int status) {
  refusal_ = {status, "invalid request body: " + std::move(message)};
  return false;
}

void messages_converse_builder::drop(std::string_view name) { add_dropped(dropped_, name); }

bool messages_converse_builder::drop_or_refuse(std::string_view name, std::string message) {
  if (!may_drop_) return refuse(std::move(message) + " not supported by this backend");
  drop(name);
  return true;
}

bool messages_converse_builder::build(const json& request) {
  if (!check_members(request) || !add_inference(request)) return false;
  if (const json* system = member(request, "system"); system && !add_system(*system)) return false;
  return add_messages(request) && add_tools(request) && add_model_fields(request) &&
         add_format(request);
}

bool messages_converse_builder::check_members(const json& request) {
  for (const auto& [name, value] : request.items())
    if (!is_nothing(value) &&
        std::ranges::find(carried_by_converse, name) == carried_by_converse.end())
      drop(name);
  for (const char* name : {"mcp_servers", "container"})
    if (const json* value = member(request, name); value != nullptr && !is_nothing(*value))
      if (!drop_or_refuse(name, std::string{"`"} + name + "` is")) return false;
  return true;
}

bool messages_converse_builder::add_inference(const json& request) {
  if (text_member(request, "service_tier") == "standard_only")
    out_["serviceTier"] = {{"type", "default"}};
  auto& config = out_["inferenceConfig"];  // nothing may be added to out_ from here on
  if (const json* limit = member(request, "max_tokens")) {
    if (!limit->is_number_integer()) return refuse("`max_tokens` is not an integer", 400);
    // Converse refuses less than 1.
    if (*limit > 0) config["maxTokens"] = *limit;
  }
  const auto copy = [&](const char* name, const char* target) {
    const json* value = member(request, name);
    if (value == nullptr) return true;
    if (!value->is_number()) return refuse(std::string{"`"} + name + "` is not a number", 400);
    config[target] = *value;
    return true;
  };
  return copy("temperature", "temperature") && copy("top_p", "topP") && add_stops(request);
}

bool messages_converse_builder::add_stops(const json& request) {
  const json* stops = member(request, "stop_sequences");
  if (stops == nullptr) return true;
  const auto is_text = [](const json& stop) { return stop.is_string(); };
  if (!stops->is_array() || !std::all_of(stops->begin(), stops->end(), is_text))
    return refuse("`stop_sequences` is not a list of strings", 400);
  if (stops->empty()) return true;
  out_["inferenceConfig"]["stopSequences"] = *stops;
  // Claude tells which one it met, where it is asked to.
  if (is_claude_) out_["additionalModelResponseFieldPaths"] = json::array({"/stop_sequence"});
  return true;
}

/// What Converse hands to the model as it is.
bool messages_converse_builder::add_model_fields(const json& request) {
  if (const json* top_k = member(request, "top_k")) {
    if (!top_k->is_number()) return refuse("`top_k` is not a number", 400);
    out_["additionalModelRequestFields"]["top_k"] = *top_k;
  }
  const json* thinking = member(request, "thinking");
  const json* config = member(request, "output_config");
  const auto effort = config == nullptr ? std::string_view{} : text_member(*config, "effort");
  if (is_claude_) {
    if (thinking != nullptr) out_["additionalModelRequestFields"]["thinking"] = *thinking;
    if (!effort.empty())
      out_["additionalModelRequestFields"]["output_config"] = {{"effort", effort}};
    return true;
  }
  if (thinking != nullptr && text_member(*thinking, "type") != "disabled") drop("thinking");
  if (!effort.empty()) drop("output_config.effort");
  return true;
}

void messages_converse_builder::add_betas(const claude_betas& betas) {
  if (!is_claude_) return;
  if (!betas.names.empty()) out_["additionalModelRequestFields"]["anthropic_beta"] = betas.names;
  if (betas.has_others) drop("anthropic-beta");
}

bool messages_converse_builder::add_format(const json& request) {
  const json* config = member(request, "output_config");
  if (config != nullptr && config->is_object())
    for (const auto& [name, value] : config->items())
      if (name != "effort" && name != "format") drop("output_config." + name);
  const json* format = config == nullptr ? nullptr : member(*config, "format");
  if (format == nullptr) format = member(request, "output_format");
  if (format == nullptr) return true;
  const json* schema = member(*format, "schema");
  if (text_member(*format, "type") != "json_schema" || schema == nullptr || !schema->is_object())
    return refuse("`output_config.format` is no json_schema with a schema", 400);
  out_["outputConfig"]["textFormat"] = {
      {"type", "json_schema"},
      {"structure", {{"jsonSchema", {{"schema", dump_json(*schema)}, {"name", "answer"}}}}}};
  return true;
}

bool messages_converse_builder::add_tools(const json& request) {
  const json* given = member(request, "tools");
  if (given != nullptr && !given->is_array()) return refuse("`tools` is not a list", 400);
  json tools = json::array();
  if (given != nullptr)
    for (const auto& tool : *given)
      if (!add_tool(tool, tools)) return false;
  const bool has_offer = !tools.empty();
  const json* choice = member(request, "tool_choice");
  const bool is_none = choice != nullptr && text_member(*choice, "type") == "none";
  // Converse has no "none": no tools are offered, unless the history makes it ask for them.
  if (is_none && !has_tool_history_) return true;
  if (has_tool_history_) add_tools_of_history(tools);
  if (tools.empty()) return true;
  json config{{"tools", std::move(tools)}};
  if (choice != nullptr && !is_none && has_offer && !add_tool_choice(*choice, config)) return false;
  out_["toolConfig"] = std::move(config);
  return true;
}

bool messages_converse_builder::add_tool(const json& tool, json& tools) {
  const auto type = text_member(tool, "type");
  if (!type.empty() && type != "custom")
    return drop_or_refuse("tools", "the tool type " + std::string{type} + " is");
  const auto name = text_member(tool, "name");
  if (name.empty()) return refuse("a tool has no name", 400);
  const json* schema = member(tool, "input_schema");
  if (schema != nullptr && !schema->is_object())
    return refuse("input_schema of the tool " + std::string{name} + " is not an object", 400);
  json spec{{"name", name}};
  const auto description = text_member(tool, "description");
  if (!description.empty()) spec["description"] = description;
  spec["inputSchema"] = input_schema(schema);
  if (const json* strict = member(tool, "strict"); strict != nullptr && *strict == true)
    spec["strict"] = true;
  add_uncarried_of_tool(dropped_, tool);
  tools.push_back({{"toolSpec", std::move(spec)}});
  append_cache_point(tool, tools);
  return true;
}

/// Calls in the history need their tools declared, even when this request offers none of them.
void messages_converse_builder::add_tools_of_history(json& tools) const {
  for (const auto& name : used_tools_) {
    const bool is_declared = std::ranges::any_of(tools, [&name](const json& tool) {
      const json* spec = member(tool, "toolSpec");
      return spec != nullptr && text_member(*spec, "name") == name;
    });
    if (!is_declared)
      tools.push_back({{"toolSpec",
                        {{"name", name},
                         {"description", "No longer available; do not call it."},
                         {"inputSchema", input_schema(nullptr)}}}});
  }
}

bool messages_converse_builder::add_tool_choice(const json& choice, json& config) {
  const auto type = text_member(choice, "type");
  const auto name = text_member(choice, "name");
  if (type == "auto") {
    config["toolChoice"] = {{"auto", json::object()}};
  } else if (type == "any") {
    config["toolChoice"] = {{"any", json::object()}};
  } else if (type == "tool" && !name.empty()) {
    config["toolChoice"] = {{"tool", {{"name", name}}}};
  } else {
    return refuse("`tool_choice` is none of auto, any, none and a named tool", 400);
  }
  const json* is_serial = member(choice, "disable_parallel_tool_use");
  if (is_serial == nullptr || *is_serial != true) return true;
  // Converse has no field for it; Claude takes its own `tool_choice` beside Converse's fields.
  if (is_claude_)
    out_["additionalModelRequestFields"]["tool_choice"] = choice;
  else
    drop("tool_choice.disable_parallel_tool_use");
  return true;
}

}  // namespace understudy::translate
