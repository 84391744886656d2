#include <algorithm>

#include "translate/responses_builder.hpp"

namespace understudy::translate {
namespace {

json* tool_named(json& tools, std::string_view name) {
  for (auto& tool : tools)
    if (tool["function"]["name"] == name) return &tool;
  return nullptr;
}

}  // namespace

bool responses_builder::add_tools(const json& request) {
  const json* given = member(request, "tools");
  if (given == nullptr) return true;
  if (!given->is_array()) return refuse("`tools` is not a list", 400);
  json tools = json::array();
  for (const auto& tool : *given)
    if (!add_tool(tool, tools)) return false;
  if (tools.empty()) return true;
  out_["tools"] = std::move(tools);
  if (const json* parallel = member(request, "parallel_tool_calls"))
    out_["parallel_tool_calls"] = *parallel;
  return true;
}

/// Flat here, nested in a chat.
bool responses_builder::add_tool(const json& tool, json& tools) {
  const auto type = text_member(tool, "type");
  if (type != "function")
    return lose("tools." + std::string{type}, "tools of type `" + std::string{type} +
                                                  "` are not supported by this backend: it has "
                                                  "functions only");
  const auto name = text_member(tool, "name");
  if (name.empty()) return refuse("a tool has no `name`", 400);
  json function{{"name", name}};
  for (const char* member_name : {"description", "parameters", "strict"})
    if (const json* found = member(tool, member_name)) function[member_name] = *found;
  tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  return true;
}

bool responses_builder::add_tool_choice(const json& request) {
  const json* choice = member(request, "tool_choice");
  if (choice == nullptr) return true;
  const bool has_tools = out_.contains("tools");
  if (choice->is_string()) {
    const auto mode = view_of(*choice);
    if (mode != "auto" && mode != "none" && mode != "required")
      return refuse("`tool_choice` is none of auto, none and required", 400);
    // A chat refuses a choice between no tools.
    if (has_tools) out_["tool_choice"] = mode;
    if (!has_tools && mode == "required")
      return lose("tool_choice", "`tool_choice` is required, and there are no tools");
    return true;
  }
  const auto type = text_member(*choice, "type");
  if (type == "allowed_tools") return add_allowed_tools(*choice);
  if (type != "function")
    return lose("tool_choice", "`tool_choice` of type `" + std::string{type} +
                                   "` is not supported by this backend");
  const auto name = text_member(*choice, "name");
  if (!has_tools || tool_named(out_["tools"], name) == nullptr)
    return refuse("`tool_choice` names a function that is not among `tools`", 400);
  out_["tool_choice"] = {{"type", "function"}, {"function", {{"name", name}}}};
  return true;
}

/// The others are not offered: the same to the model, and every backend understands it.
bool responses_builder::add_allowed_tools(const json& choice) {
  const json* allowed = member(choice, "tools");
  if (allowed == nullptr || !allowed->is_array())
    return refuse("`tool_choice.tools` is not a list", 400);
  json tools = json::array();
  for (const auto& tool : *allowed) {
    if (text_member(tool, "type") != "function") {
      if (!lose("tool_choice", "`tool_choice` allows a tool that is no function")) return false;
      continue;
    }
    json* found =
        out_.contains("tools") ? tool_named(out_["tools"], text_member(tool, "name")) : nullptr;
    if (found == nullptr)
      return refuse("`tool_choice` names a function that is not among `tools`", 400);
    tools.push_back(*found);
  }
  const auto mode = text_member(choice, "mode");
  if (tools.empty() || (mode != "auto" && mode != "required"))
    return refuse("`tool_choice` allows no tool, or has no `mode`", 400);
  out_["tools"] = std::move(tools);
  out_["tool_choice"] = mode;
  return true;
}

}  // namespace understudy::translate
