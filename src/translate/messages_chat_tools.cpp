#include <algorithm>

#include "translate/dropped.hpp"
#include "translate/messages_chat_builder.hpp"

namespace understudy::translate {
namespace {

bool is_required(const json& schema, const std::string& name) {
  const json* required = member(schema, "required");
  return required != nullptr && required->is_array() &&
         std::find(required->begin(), required->end(), json(name)) != required->end();
}

bool all_fit(const json& schemas) {
  if (!schemas.is_structured()) return true;
  return std::all_of(schemas.begin(), schemas.end(), fits_strict);
}

}  // namespace

bool fits_strict(const json& schema) {
  if (!schema.is_object()) return true;
  const json* properties = member(schema, "properties");
  const bool is_object = properties != nullptr || text_member(schema, "type") == "object";
  if (is_object) {
    const json* more = member(schema, "additionalProperties");
    if (more == nullptr || *more != false || properties == nullptr) return false;
    if (!properties->is_object()) return false;
    for (const auto& [name, value] : properties->items())
      if (!is_required(schema, name) || !fits_strict(value)) return false;
  }
  if (const json* items = member(schema, "items"); items != nullptr && !fits_strict(*items))
    return false;
  for (const char* name : {"anyOf", "$defs", "definitions"})
    if (const json* inner = member(schema, name); inner != nullptr && !all_fit(*inner))
      return false;
  return !schema.contains("allOf") && !schema.contains("oneOf");
}

bool messages_chat_builder::add_tools(const json& request) {
  const json* given = member(request, "tools");
  if (given == nullptr) return true;
  if (!given->is_array()) return refuse("`tools` is not a list", 400);
  json tools = json::array();
  for (const auto& tool : *given)
    if (!add_tool(tool, tools)) return false;
  if (tools.empty()) return true;
  out_["tools"] = std::move(tools);
  return add_tool_choice(request);
}

bool messages_chat_builder::add_tool(const json& tool, json& tools) {
  const auto type = text_member(tool, "type");
  if (!type.empty() && type != "custom")
    return drop_or_refuse("tools", "the tool type " + std::string{type} + " is");
  const auto name = text_member(tool, "name");
  if (name.empty()) return refuse("a tool has no name", 400);
  const json* schema = member(tool, "input_schema");
  if (schema != nullptr && !schema->is_object())
    return refuse("input_schema of the tool " + std::string{name} + " is not an object", 400);
  json function{{"name", name}};
  const auto description = text_member(tool, "description");
  if (!description.empty()) function["description"] = description;
  function["parameters"] = object_schema(schema);
  if (const json* strict = member(tool, "strict"); strict != nullptr && *strict == true) {
    if (fits_strict(function["parameters"]))
      function["strict"] = true;
    else
      drop("tools.strict");
  }
  add_uncarried_of_tool(dropped_, tool);
  json made{{"type", "function"}, {"function", std::move(function)}};
  keep_cache_control(tool, made);
  tools.push_back(std::move(made));
  return true;
}

bool messages_chat_builder::add_tool_choice(const json& request) {
  const json* choice = member(request, "tool_choice");
  if (choice == nullptr) return true;
  const auto type = text_member(*choice, "type");
  const auto name = text_member(*choice, "name");
  if (type == "auto" || type == "none") {
    out_["tool_choice"] = type;
  } else if (type == "any") {
    out_["tool_choice"] = "required";
  } else if (type == "tool" && !name.empty()) {
    out_["tool_choice"] = {{"type", "function"}, {"function", {{"name", name}}}};
  } else {
    return refuse("`tool_choice` is none of auto, any, none and a named tool", 400);
  }
  const json* is_serial = member(*choice, "disable_parallel_tool_use");
  if (is_serial != nullptr && *is_serial == true) out_["parallel_tool_calls"] = false;
  return true;
}

}  // namespace understudy::translate
