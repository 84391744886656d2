#include "translate/json.hpp"

#include <algorithm>

namespace understudy::translate {

json object_schema(const json* given) {
  json schema = given == nullptr ? json::object() : *given;
  if (!schema.contains("type")) schema["type"] = "object";
  if (schema["type"] == "object" && !schema.contains("properties"))
    schema["properties"] = json::object();
  return schema;
}

bool is_signed_by_google(const json& message) {
  const auto has_mark = [](const json& of) {
    const json* extra = member(of, "extra_content");
    return extra != nullptr && member(*extra, "google") != nullptr;
  };
  if (has_mark(message)) return true;
  const json* calls = member(message, "tool_calls");
  return calls != nullptr && calls->is_array() &&
         std::any_of(calls->begin(), calls->end(), has_mark);
}

}  // namespace understudy::translate
