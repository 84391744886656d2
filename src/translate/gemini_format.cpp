#include <algorithm>
#include <array>

#include "translate/gemini_builder.hpp"
#include "translate/gemini_schema.hpp"

/// What the answer must look like, and the fields that are Vertex's own.
namespace understudy::translate {
namespace {

constexpr const char* json_type = "application/json";

}  // namespace

bool gemini_builder::add_format(const json& request) {
  const json* format = member(request, "response_format");
  int count = format != nullptr ? 1 : 0;
  const char* guide = nullptr;
  for (const char* name : {"guided_choice", "guided_regex", "guided_json"})
    if (member(request, name) != nullptr) {
      guide = name;
      ++count;
    }
  if (count > 1)
    return refuse(
        "only one of response_format, guided_choice, guided_regex, guided_json can be given", 400);
  if (format != nullptr) return add_response_format(*format);
  return guide == nullptr || add_guided(request, guide);
}

bool gemini_builder::add_response_format(const json& format) {
  const auto type = text_member(format, "type");
  if (type == "text") return true;
  if (type != "json_object" && type != "json_schema")
    return lose("response_format", "unsupported `response_format.type`");
  out_["generationConfig"]["responseMimeType"] = json_type;
  if (type == "json_object") return true;
  const json* definition = member(format, "json_schema");
  const json* schema = definition == nullptr ? nullptr : member(*definition, "schema");
  if (schema == nullptr || !schema->is_object())
    return refuse("`response_format.json_schema.schema` is missing", 400);
  return add_response_schema(*schema);
}

bool gemini_builder::add_response_schema(const json& schema) {
  auto& config = out_["generationConfig"];
  if (model_.has_json_schema()) {
    config["responseJsonSchema"] = schema;
    return true;
  }
  std::string why;
  auto converted = gemini_schema(schema, why);
  if (!converted) return refuse("the response's schema: " + why);
  config["responseSchema"] = std::move(*converted);
  return true;
}

bool gemini_builder::add_guided(const json& request, const char* name) {
  const json& guide = *member(request, name);
  auto& config = out_["generationConfig"];
  const std::string_view kind{name};
  if (kind == "guided_choice") {
    const bool is_fine = guide.is_array() && !guide.empty() &&
                         std::ranges::all_of(guide, [](const json& c) { return c.is_string(); });
    if (!is_fine) return refuse("`guided_choice` is not a list of strings", 400);
    config["responseMimeType"] = "text/x.enum";
    config["responseSchema"] = {{"type", "STRING"}, {"enum", guide}};
    return true;
  }
  config["responseMimeType"] = json_type;
  if (kind == "guided_regex") {
    if (!guide.is_string()) return refuse("`guided_regex` is not a string", 400);
    config["responseSchema"] = {{"type", "STRING"}, {"pattern", guide}};
    asked_.is_quoted = true;
    return true;
  }
  // vLLM takes the schema as an object or as its text.
  auto schema = guide.is_string() ? parse_json(view_of(guide)) : std::optional{guide};
  if (!schema || !schema->is_object()) return refuse("`guided_json` is not a schema", 400);
  return add_response_schema(*schema);
}

bool gemini_builder::add_vendor_fields(const json& request) {
  struct entry {
    const char *from, *to;
  };
  constexpr std::array entries{entry{"safetySettings", "safetySettings"},
                               entry{"safety_settings", "safetySettings"},
                               entry{"cachedContent", "cachedContent"},
                               entry{"cached_content", "cachedContent"}, entry{"labels", "labels"}};
  for (const auto& e : entries)
    if (const json* value = member(request, e.from)) out_[e.to] = *value;
  const json* own = member(request, "generationConfig");
  if (own == nullptr) return true;
  if (!own->is_object()) return refuse("`generationConfig` is not an object", 400);
  constexpr std::array<std::string_view, 6> known{"mediaResolution", "thinkingConfig",
                                                  "audioTimestamp",  "routingConfig",
                                                  "imageConfig",     "modelConfig"};
  for (const auto& [name, value] : own->items()) {
    if (std::ranges::find(known, name) != known.end())
      out_["generationConfig"][name] = value;
    else
      tell_dropped("generationConfig." + name);
  }
  return true;
}

}  // namespace understudy::translate
