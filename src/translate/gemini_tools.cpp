#include <array>

#include "translate/gemini_builder.hpp"
#include "translate/gemini_schema.hpp"

namespace understudy::translate {
namespace {

/// Options of Gemini's own search tool, under the names that clients have for them.
json search_of(const json& tool) {
  json search = json::object();
  const json* options = member(tool, "google_search");
  if (options == nullptr) return search;
  struct entry {
    const char *from, *to;
  };
  constexpr std::array entries{entry{"exclude_domains", "excludeDomains"},
                               entry{"excludeDomains", "excludeDomains"},
                               entry{"blocking_confidence", "blockingConfidence"},
                               entry{"blockingConfidence", "blockingConfidence"}};
  for (const auto& e : entries)
    if (const json* value = member(*options, e.from)) search[e.to] = *value;
  return search;
}

}  // namespace

bool gemini_builder::add_tools(const json& request) {
  const json* given = member(request, "tools");
  if (given != nullptr && !given->is_array()) return refuse("`tools` is not a list", 400);
  if (given != nullptr)
    for (const auto& tool : *given)
      if (!add_tool(tool)) return false;
  if (const json* options = member(request, "web_search_options"))
    if (!add_search_options(*options)) return false;
  if (declarations_.empty()) return true;
  out_["tools"].push_back({{"functionDeclarations", declarations_}});
  return add_tool_choice(request);
}

bool gemini_builder::add_tool(const json& tool) {
  const auto type = text_member(tool, "type");
  if (type == "function") return add_function(tool, declarations_);
  if (type == "google_search") {
    asked_.is_searched = true;
    out_["tools"].push_back({{"googleSearch", search_of(tool)}});
    return true;
  }
  if (type == "enterprise_search") {
    asked_.is_searched = true;
    out_["tools"].push_back({{"enterpriseWebSearch", json::object()}});
    return true;
  }
  return lose("tools", "tools of type " + std::string{type} + " are not supported by this backend");
}

bool gemini_builder::add_function(const json& tool, json& declarations) {
  const json* function = member(tool, "function");
  const auto name = function == nullptr ? std::string_view{} : text_member(*function, "name");
  if (name.empty()) return refuse("a tool has no name", 400);
  json declaration{{"name", name}};
  if (const auto text = text_member(*function, "description"); !text.empty())
    declaration["description"] = text;
  if (const json* strict = member(*function, "strict"); strict != nullptr && *strict == true)
    tell_dropped("tools.strict");
  if (member(tool, "cache_control") != nullptr || member(*function, "cache_control") != nullptr)
    tell_dropped("cache_control");
  const json* parameters = member(*function, "parameters");
  if (parameters != nullptr && !parameters->is_object())
    return refuse("parameters of the tool " + std::string{name} + " are not an object", 400);
  if (model_.has_json_schema()) {
    json schema = parameters == nullptr ? json::object() : *parameters;
    if (schema.empty()) schema = {{"type", "object"}, {"properties", json::object()}};
    declaration["parametersJsonSchema"] = std::move(schema);
  } else if (parameters != nullptr && !parameters->empty()) {
    std::string why;
    auto schema = gemini_schema(*parameters, why);
    if (!schema) return refuse("parameters of the tool " + std::string{name} + ": " + why);
    // Vertex refuses an object without properties; no parameters are none.
    const bool is_void =
        text_member(*schema, "type") == "OBJECT" && !schema->contains("properties");
    if (!is_void) declaration["parameters"] = std::move(*schema);
  }
  declarations.push_back(std::move(declaration));
  return true;
}

/// OpenAI's models with a search of their own have options for it; Gemini's tool has none of them.
bool gemini_builder::add_search_options(const json& options) {
  if (!options.is_object()) return refuse("`web_search_options` is not an object", 400);
  if (!options.empty()) tell_dropped("web_search_options");
  if (asked_.is_searched) return true;
  asked_.is_searched = true;
  out_["tools"].push_back({{"googleSearch", json::object()}});
  return true;
}

bool gemini_builder::add_tool_choice(const json& request) {
  const json* choice = member(request, "tool_choice");
  if (choice == nullptr) return true;
  json config;
  if (*choice == "auto") {
    config["mode"] = "AUTO";
  } else if (*choice == "none") {
    config["mode"] = "NONE";
  } else if (*choice == "required") {
    config["mode"] = "ANY";
  } else {
    const json* function = member(*choice, "function");
    const auto name = function == nullptr ? std::string_view{} : text_member(*function, "name");
    if (text_member(*choice, "type") != "function" || name.empty())
      return lose("tool_choice", "tool_choice type not supported");
    config["mode"] = "ANY";
    config["allowedFunctionNames"] = json::array({name});
  }
  out_["toolConfig"]["functionCallingConfig"] = std::move(config);
  return true;
}

}  // namespace understudy::translate
