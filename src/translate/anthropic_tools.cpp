#include <algorithm>

#include "translate/anthropic_builder.hpp"

namespace understudy::translate {

bool anthropic_builder::add_tools(const json& request) {
  const json* given = member(request, "tools");
  if (given != nullptr && !given->is_array()) return refuse("`tools` is not a list", 400);
  json tools = json::array();
  if (given != nullptr)
    for (const auto& tool : *given)
      if (!add_tool(tool, tools)) return false;
  const bool has_offer = !tools.empty();
  add_tools_of_history(tools);
  if (tools.empty()) return true;
  out_["tools"] = std::move(tools);
  if (has_offer) return add_tool_choice(request);
  out_["tool_choice"] = {{"type", "none"}};
  return true;
}

bool anthropic_builder::add_tool(const json& tool, json& tools) {
  const json* function = member(tool, "function");
  if (text_member(tool, "type") != "function" || function == nullptr)
    return lose("tools", "tools other than functions are not supported by this backend");
  const auto name = text_member(*function, "name");
  if (name.empty()) return refuse("a tool has no name", 400);
  const json* parameters = member(*function, "parameters");
  if (parameters != nullptr && !parameters->is_object())
    return refuse("parameters of the tool " + std::string{name} + " are not an object", 400);
  json out{{"name", name}};
  if (const auto text = text_member(*function, "description"); !text.empty())
    out["description"] = text;
  out["input_schema"] = object_schema(parameters);
  if (const json* strict = member(*function, "strict"); strict != nullptr && *strict == true) {
    if (model_.has_schema)
      out["strict"] = true;
    else
      drop("strict");
  }
  keep_cache_control(*function, out);
  keep_cache_control(tool, out);
  tools.push_back(std::move(out));
  return true;
}

/// Calls in the history need their tools declared, even when this request offers none of them.
void anthropic_builder::add_tools_of_history(json& tools) const {
  for (const auto& name : used_tools_) {
    const bool is_declared = std::ranges::any_of(
        tools, [&name](const json& tool) { return text_member(tool, "name") == name; });
    if (!is_declared)
      tools.push_back({{"name", name},
                       {"description", "No longer available; do not call it."},
                       {"input_schema", object_schema(nullptr)}});
  }
}

bool anthropic_builder::add_tool_choice(const json& request) {
  const json* choice = member(request, "tool_choice");
  const json* parallel = member(request, "parallel_tool_calls");
  const bool is_serial = parallel != nullptr && *parallel == false;
  json out;
  if (choice == nullptr || *choice == "auto") {
    if (choice == nullptr && !is_serial) return true;
    out = {{"type", "auto"}};
  } else if (*choice == "required") {
    out = {{"type", "any"}};
  } else if (*choice == "none") {
    out = {{"type", "none"}};
  } else {
    const json* function = member(*choice, "function");
    const auto name = function == nullptr ? std::string_view{} : text_member(*function, "name");
    if (text_member(*choice, "type") != "function" || name.empty())
      return lose("tool_choice", "tool_choice value not supported");
    out = {{"type", "tool"}, {"name", name}};
  }
  if (is_serial && out["type"] != "none") out["disable_parallel_tool_use"] = true;
  out_["tool_choice"] = std::move(out);
  return true;
}

}  // namespace understudy::translate
