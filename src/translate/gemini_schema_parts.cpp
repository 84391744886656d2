#include <algorithm>

#include "translate/gemini_schema_conversion.hpp"

namespace understudy::translate {
namespace {

/// Vertex's `enum` is a list of strings, whatever the type.
std::string enum_text(const json& value) {
  return value.is_string() ? std::string{view_of(value)} : dump_json(value);
}

std::string_view type_of_value(const json& value) {
  if (value.is_string()) return "STRING";
  if (value.is_boolean()) return "BOOLEAN";
  if (value.is_number_integer()) return "INTEGER";
  if (value.is_number()) return "NUMBER";
  return value.is_array() ? "ARRAY" : "OBJECT";
}

bool is_null_schema(const json& schema) {
  const json* type = member(schema, "type");
  if (type != nullptr && *type == "null") return true;
  const auto constant = schema.is_object() ? schema.find("const") : schema.end();
  return constant != schema.end() && constant->is_null();
}

}  // namespace

bool schema_conversion::add_alternatives(const json& schema, json& out) {
  for (const char* keyword : {"anyOf", "oneOf"}) {
    const json* of = member(schema, keyword);
    if (of == nullptr) continue;
    if (!of->is_array()) return fail(std::string{"a schema's `"} + keyword + "` is no list");
    json alternatives = json::array();
    for (const auto& one : *of) {
      if (is_null_schema(one)) {
        make_nullable(out);
        continue;
      }
      json converted;
      if (!convert(one, converted)) return false;
      alternatives.push_back(std::move(converted));
    }
    if (alternatives.size() == 1) {
      const bool is_nullable = out.contains("nullable");
      for (auto& [name, value] : alternatives.front().items()) out[name] = std::move(value);
      if (is_nullable) make_nullable(out);
    } else {
      // Beside `anyOf` Vertex takes no type; the alternatives have their own.
      if (!alternatives.empty()) out.erase("type");
      for (auto& one : alternatives) out["anyOf"].push_back(std::move(one));
    }
  }
  return true;
}

bool schema_conversion::add_all_of(const json& schema, json& out) {
  const json* of = member(schema, "allOf");
  if (of == nullptr) return true;
  if (!of->is_array()) return fail("a schema's `allOf` is no list");
  for (const auto& one : *of) {
    json part;
    if (!convert(one, part)) return false;
    for (auto& [name, value] : part.items()) {
      if (name == "properties" && out.contains(name)) {
        for (auto& [property, inner] : value.items()) out[name][property] = std::move(inner);
      } else if ((name == "required" || name == "propertyOrdering") && out.contains(name)) {
        for (auto& item : value)
          if (std::ranges::find(out[name], item) == out[name].end()) out[name].push_back(item);
      } else if (!out.contains(name)) {
        out[name] = std::move(value);
      }
    }
  }
  // Parts without an order of their own have left gaps.
  if (const json* properties = member(out, "properties"); properties && properties->size() > 1) {
    json order = json::array();
    for (const auto& [name, value] : properties->items()) order.push_back(name);
    out["propertyOrdering"] = std::move(order);
  }
  return true;
}

bool schema_conversion::add_properties(const json& schema, json& out) {
  const json* properties = member(schema, "properties");
  const bool has_any = properties != nullptr && properties->is_object() && !properties->empty();
  if (out.contains("anyOf") && !has_any) return true;
  if (has_any) {
    json converted = json::object();
    for (const auto& [name, value] : properties->items()) {
      if (value == false) continue;
      if (!convert(value, converted[name])) return false;
    }
    if (converted.size() > 1) {
      auto& order = out["propertyOrdering"] = json::array();
      for (const auto& [name, value] : converted.items()) order.push_back(name);
    }
    if (!out.contains("anyOf")) out["type"] = "OBJECT";
    out["properties"] = std::move(converted);
  }
  const json* required = member(schema, "required");
  if (required == nullptr || !required->is_array() || !has_any) return true;
  // Vertex refuses names that are no property.
  json known = json::array();
  for (const auto& name : *required)
    if (name.is_string() && out["properties"].contains(view_of(name))) known.push_back(name);
  if (!known.empty()) out["required"] = std::move(known);
  return true;
}

bool schema_conversion::add_items(const json& schema, json& out) {
  const bool is_array = out.contains("type") && out["type"] == "ARRAY";
  const json* items = member(schema, "items");
  const json* tuple = member(schema, "prefixItems");
  if (tuple == nullptr && items != nullptr && items->is_array()) std::swap(items, tuple);
  if (tuple != nullptr && tuple->is_array() && !tuple->empty()) {
    bytes_ += weight_of_schema(*tuple);
    if (is_too_large()) return false;
    json any{{"anyOf", *tuple}};
    if (items != nullptr && items->is_object()) any["anyOf"].push_back(*items);
    return convert(any, out["items"]);
  }
  if (items != nullptr && items->is_object()) return convert(*items, out["items"]);
  // Vertex refuses an array without a schema of its elements.
  if (is_array) out["items"] = {{"type", "STRING"}};
  return true;
}

void schema_conversion::add_enum(const json& schema, json& out) {
  const json* given = member(schema, "enum");
  if (given != nullptr) bytes_ += weight_of_schema(*given);
  if (const json* constant = member(schema, "const")) bytes_ += weight_of_schema(*constant);
  if (bytes_ > max_bytes) return;  // the next schema, or the last look, tells
  json values = given != nullptr && given->is_array() ? *given : json::array();
  if (const json* constant = member(schema, "const")) values = json::array({*constant});
  json texts = json::array();
  for (const auto& value : values) {
    if (value.is_null())
      make_nullable(out);
    else
      texts.push_back(enum_text(value));
    if (!value.is_null() && !out.contains("type")) out["type"] = type_of_value(value);
  }
  // Strings and numbers have an `enum`; a boolean's values are its type.
  const bool is_fit = out.contains("type") && out["type"] != "BOOLEAN" && out["type"] != "OBJECT" &&
                      out["type"] != "ARRAY";
  if (texts.empty() || !is_fit) return;
  out["format"] = "enum";
  out["enum"] = std::move(texts);
}

}  // namespace understudy::translate
