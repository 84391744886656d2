#include "translate/gemini_schema.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <understudy/base/ascii.hpp>

namespace understudy::translate {
namespace {

/// What references may make of a schema; far more than any API takes.
constexpr std::size_t max_bytes = std::size_t{4} << 20;
constexpr std::size_t max_depth = 64;

/// About the memory that a copy takes.
std::size_t weight(const json& value) {
  std::size_t sum = 32;
  if (value.is_string()) sum += view_of(value).size();
  if (value.is_array())
    for (const auto& item : value) sum += weight(item);
  if (value.is_object())
    for (const auto& [name, item] : value.items()) sum += name.size() + weight(item);
  return sum;
}

bool is_any(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::ranges::find(of, text) != of.end();
}

/// `a/b` of the pointer's token `a~1b`.
std::string unescaped_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool is_escape = token[i] == '~' && i + 1 < token.size();
    if (is_escape && (token[i + 1] == '0' || token[i + 1] == '1'))
      out += token[++i] == '0' ? '~' : '/';
    else
      out += token[i];
  }
  return out;
}

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

class schema_conversion {
 public:
  explicit schema_conversion(const json& root) : root_{root} {}

  bool convert(const json& schema, json& out);
  const std::string& why() const { return why_; }
  bool is_too_large() {
    return bytes_ > max_bytes && !fail("the schema is too large with its references resolved");
  }

 private:
  bool fail(std::string why) {
    why_ = std::move(why);
    return false;
  }
  const json* target_of(std::string_view reference) const;
  bool convert_reference(const json& schema, std::string_view reference, json& out);
  bool convert_object(const json& schema, json& out);
  void add_plain(const json& schema, json& out);
  bool add_types(const json& schema, json& out);
  bool add_alternatives(const json& schema, json& out);
  bool add_all_of(const json& schema, json& out);
  bool add_properties(const json& schema, json& out);
  bool add_items(const json& schema, json& out);
  void add_enum(const json& schema, json& out);

  const json& root_;
  std::string why_;
  std::size_t bytes_ = 0;  ///< copied so far
  std::size_t depth_ = 0;
  std::vector<std::string_view> open_references_;
};

void make_nullable(json& out) { out["nullable"] = true; }

bool schema_conversion::convert(const json& schema, json& out) {
  bytes_ += 64;
  if (is_too_large()) return false;
  if (depth_ == max_depth) return fail("the schema is nested too deeply");
  out = json::object();
  if (!schema.is_object()) {
    if (!schema.is_boolean()) return fail("a schema is neither an object nor a boolean");
    out["type"] = "OBJECT";
    return true;
  }
  ++depth_;
  const auto reference = text_member(schema, "$ref");
  const bool is_fine =
      reference.empty() ? convert_object(schema, out) : convert_reference(schema, reference, out);
  --depth_;
  return is_fine;
}

const json* schema_conversion::target_of(std::string_view reference) const {
  if (!reference.starts_with('#')) return nullptr;
  reference.remove_prefix(1);
  const json* at = &root_;
  while (!reference.empty()) {
    if (reference.front() != '/') return nullptr;
    reference.remove_prefix(1);
    const auto token = reference.substr(0, reference.find('/'));
    reference.remove_prefix(token.size());
    at = member(*at, unescaped_token(token).c_str());
    if (at == nullptr) return nullptr;
  }
  return at;
}

bool schema_conversion::convert_reference(const json& schema, std::string_view reference,
                                          json& out) {
  const json* target = target_of(reference);
  if (target == nullptr)
    return fail("the schema refers to " + std::string{reference} + ", which it does not hold");
  if (std::ranges::find(open_references_, reference) != open_references_.end())
    return fail("the schema refers to itself (" + std::string{reference} + ")");
  open_references_.push_back(reference);
  const bool is_fine = convert(*target, out);
  open_references_.pop_back();
  // What stands beside a reference describes this use of it.
  if (is_fine) add_plain(schema, out);
  return is_fine;
}

bool schema_conversion::convert_object(const json& schema, json& out) {
  if (!add_types(schema, out) || !add_alternatives(schema, out)) return false;
  add_plain(schema, out);
  add_enum(schema, out);
  if (!add_properties(schema, out) || !add_items(schema, out) || !add_all_of(schema, out))
    return false;
  if (out.contains("type") || out.contains("anyOf")) return true;
  if (out.contains("items"))
    out["type"] = "ARRAY";
  else
    out["type"] = out.contains("pattern") ? "STRING" : "OBJECT";
  return true;
}

void schema_conversion::add_plain(const json& schema, json& out) {
  constexpr std::array copied{
      "title",   "description",   "default",       "minItems", "maxItems", "minLength", "maxLength",
      "pattern", "minProperties", "maxProperties", "minimum",  "maximum",  "nullable",  "example"};
  for (const char* name : copied)
    if (const json* value = member(schema, name)) {
      bytes_ += weight(*value);
      if (bytes_ <= max_bytes) out[name] = *value;
    }
  const auto bound = [&](const char* from, const char* to, int step) {
    const json* value = member(schema, from);
    if (value == nullptr || !value->is_number() || out.contains(to)) return;
    // Whole numbers up to 2^53 only, so that the step stays exact.
    const bool has_step =
        value->is_number_integer() && value->get<double>() < 9e15 && value->get<double>() > -9e15;
    out[to] = has_step ? json(value->get<std::int64_t>() + step) : *value;
  };
  bound("exclusiveMinimum", "minimum", 1);
  bound("exclusiveMaximum", "maximum", -1);
  const auto format = text_member(schema, "format");
  if (is_any(format, {"float", "double", "int32", "int64", "date-time", "enum"}))
    out["format"] = format;
}

bool schema_conversion::add_types(const json& schema, json& out) {
  const json* type = member(schema, "type");
  if (type == nullptr) return true;
  json types = type->is_array() ? *type : json::array({*type});
  json names = json::array();
  for (const auto& name : types) {
    if (!name.is_string()) return fail("a schema's `type` is no string");
    const auto text = base::lower(view_of(name));
    if (!is_any(text, {"string", "number", "integer", "boolean", "array", "object", "null"}))
      return fail("a schema has the unknown type " + text);
    if (text == "null" && types.size() > 1) {
      make_nullable(out);
      continue;
    }
    std::string upper = text;
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    names.push_back(std::move(upper));
  }
  if (names.size() == 1) {
    out["type"] = names.front();
    return true;
  }
  for (auto& name : names) {
    // Each of several types with what of the schema is about it.
    bytes_ += weight(schema);
    if (is_too_large()) return false;
    json one = schema;
    for (const char* beside : {"title", "description", "default", "anyOf", "oneOf", "allOf"})
      one.erase(beside);
    if (name != "OBJECT")
      for (const char* about : {"properties", "required"}) one.erase(about);
    if (name != "ARRAY")
      for (const char* about : {"items", "prefixItems"}) one.erase(about);
    one["type"] = name;
    json converted;
    if (!convert(one, converted)) return false;
    out["anyOf"].push_back(std::move(converted));
  }
  return true;
}

bool is_null_schema(const json& schema) {
  const json* type = member(schema, "type");
  if (type != nullptr && *type == "null") return true;
  const auto constant = schema.is_object() ? schema.find("const") : schema.end();
  return constant != schema.end() && constant->is_null();
}

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
    bytes_ += weight(*tuple);
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
  if (given != nullptr) bytes_ += weight(*given);
  if (const json* constant = member(schema, "const")) bytes_ += weight(*constant);
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

}  // namespace

std::optional<json> gemini_schema(const json& schema, std::string& why) {
  schema_conversion conversion{schema};
  json out;
  if (conversion.convert(schema, out) && !conversion.is_too_large()) return out;
  why = conversion.why();
  return std::nullopt;
}

}  // namespace understudy::translate
