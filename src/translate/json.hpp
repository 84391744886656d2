#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

/// Documents of the translators: members keep their order (a model reads a schema in order).
namespace understudy::translate {

using json = nlohmann::ordered_json;

/// Members that one object may have: the library looks each of them up among all before it.
inline constexpr std::size_t max_json_members = 4096;

/// Never throws. The scan before bounds the depth, which the library's writer recurses over, and
/// the members of each object.
std::optional<json> parse_json(std::string_view text);

/// The object that a client's request is; or nothing, and `why` with status 400.
std::optional<json> request_object(std::string_view body, refusal& why);

/// Never throws: bytes that are no UTF-8 become U+FFFD.
std::string dump_json(const json& value);

/// The member, or null when `object` is none, lacks it or has it null.
inline const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

inline std::string_view view_of(const json& string) { return string.get_ref<const std::string&>(); }

/// The member's text, or empty when it is absent or no string.
inline std::string_view text_member(const json& object, const char* name) {
  const json* found = member(object, name);
  return found != nullptr && found->is_string() ? view_of(*found) : std::string_view{};
}

/// Nothing but ASCII white space: most providers refuse such texts.
inline bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// The schema of a tool's parameters as an object schema, which providers want also of a tool
/// without any; `given` may be null.
json object_schema(const json* given);

/// True where Google's thought signatures are in an assistant's message: what its thinking blocks
/// are signed with is for Gemini only.
bool is_signed_by_google(const json& message);

}  // namespace understudy::translate
