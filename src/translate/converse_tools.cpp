#include <algorithm>

#include "translate/converse_builder.hpp"

namespace understudy::translate {
namespace {

json tool_spec(std::string_view name, std::string_view description, json schema) {
  json spec{{"name", name}};
  if (!description.empty()) spec["description"] = description;
  spec["inputSchema"] = {{"json", std::move(schema)}};
  return spec;
}

bool is_function(const json& tool) {
  return text_member(tool, "type") == "function" && member(tool, "function") != nullptr;
}

bool has_function(const json& tools) {
  return std::any_of(tools.begin(), tools.end(), is_function);
}

}  // namespace

bool converse_builder::add_tools(const json& request) {
  const json* given = member(request, "tools");
  if (given != nullptr && !given->is_array()) return refuse("`tools` is not a list", 400);
  json tools = json::array();
  if (given != nullptr)
    for (const auto& tool : *given)
      if (!add_tool(tool, tools)) return false;

  const json* choice = member(request, "tool_choice");
  const bool is_none = choice != nullptr && *choice == "none";
  // Converse has no "none": no tools are offered, unless the history makes it ask for them.
  if (is_none && !has_tool_history_) return true;
  if (has_tool_history_) add_tools_of_history(tools);
  if (tools.empty()) return true;
  json config{{"tools", std::move(tools)}};
  // Where every tool was left out there is nothing to choose from.
  const bool has_offer = given != nullptr && has_function(*given);
  if (choice != nullptr && !is_none && has_offer && !add_tool_choice(*choice, config)) return false;
  if (has_offer && !is_none) disable_parallel_tools(request, config);
  out_["toolConfig"] = std::move(config);
  return true;
}

bool converse_builder::add_tool(const json& tool, json& tools) {
  const json* function = member(tool, "function");
  if (!is_function(tool))
    return lose("tools", "tools other than functions are not supported by this backend");
  const auto name = text_member(*function, "name");
  if (name.empty()) return refuse("a tool has no name", 400);
  const json* parameters = member(*function, "parameters");
  if (parameters != nullptr && !parameters->is_object())
    return refuse("parameters of the tool " + std::string{name} + " are not an object", 400);
  json spec = tool_spec(name, text_member(*function, "description"), object_schema(parameters));
  if (const json* strict = member(*function, "strict"); strict != nullptr && *strict == true)
    spec["strict"] = true;
  tools.push_back({{"toolSpec", std::move(spec)}});
  const bool is_marked_inside = member(tool, "cache_control") == nullptr;
  append_cache_point(is_marked_inside ? *function : tool, tools);
  return true;
}

/// Calls in the history need their tools declared, even when this request offers none of them.
void converse_builder::add_tools_of_history(json& tools) const {
  const auto is_declared = [&tools](const std::string& name) {
    return std::ranges::any_of(tools, [&name](const json& tool) {
      const json* spec = member(tool, "toolSpec");
      return spec != nullptr && text_member(*spec, "name") == name;
    });
  };
  for (const auto& name : used_tools_)
    if (!is_declared(name))
      tools.push_back({{"toolSpec", tool_spec(name, "No longer available; do not call it.",
                                              object_schema(nullptr))}});
}

bool converse_builder::add_tool_choice(const json& choice, json& config) {
  if (choice.is_string()) {
    if (choice == "auto") {
      config["toolChoice"] = {{"auto", json::object()}};
    } else if (choice == "required") {
      config["toolChoice"] = {{"any", json::object()}};
    } else {
      return lose("tool_choice", "tool_choice value not supported");
    }
    return true;
  }
  const json* function = member(choice, "function");
  const auto name = function == nullptr ? std::string_view{} : text_member(*function, "name");
  if (text_member(choice, "type") != "function" || name.empty())
    return lose("tool_choice", "tool_choice type not supported");
  config["toolChoice"] = {{"tool", {{"name", name}}}};
  return true;
}

/// Converse has no field for it; Claude takes its own `tool_choice` beside Converse's fields.
void converse_builder::disable_parallel_tools(const json& request, const json& config) {
  const json* parallel = member(request, "parallel_tool_calls");
  if (parallel == nullptr || *parallel != false) return;
  if (!is_claude_) return losses_.drop("parallel_tool_calls");
  json own{{"type", "auto"}};
  if (const json* choice = member(config, "toolChoice")) {
    if (choice->contains("any")) own["type"] = "any";
    if (const json* tool = member(*choice, "tool"))
      own = {{"type", "tool"}, {"name", text_member(*tool, "name")}};
  }
  own["disable_parallel_tool_use"] = true;
  out_["additionalModelRequestFields"]["tool_choice"] = std::move(own);
}

}  // namespace understudy::translate
