#include "translate/gemini_schema.hpp"

#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>

#include "translate/gemini_schema_conversion.hpp"

namespace understudy::translate {
namespace {

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

}  // namespace

std::size_t weight_of_schema(const json& value) {
  std::size_t sum = 32;
  if (value.is_string()) sum += view_of(value).size();
  if (value.is_array())
    for (const auto& item : value) sum += weight_of_schema(item);
  if (value.is_object())
    for (const auto& [name, item] : value.items()) sum += name.size() + weight_of_schema(item);
  return sum;
}

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
      bytes_ += weight_of_schema(*value);
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
  if (base::is_one_of(format, {"float", "double", "int32", "int64", "date-time", "enum"}))
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
    if (!base::is_one_of(text,
                         {"string", "number", "integer", "boolean", "array", "object", "null"}))
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
    bytes_ += weight_of_schema(schema);
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

std::optional<json> gemini_schema(const json& schema, std::string& why) {
  schema_conversion conversion{schema};
  json out;
  if (conversion.convert(schema, out) && !conversion.is_too_large()) return out;
  why = conversion.why();
  return std::nullopt;
}

}  // namespace understudy::translate
