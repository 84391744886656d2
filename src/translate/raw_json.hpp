#pragma once
#include <string>
#include <string_view>

#include <understudy/codec/json_scan.hpp>

/// Pieces of JSON that go from one stream into another as they are written.
namespace understudy::translate {

/// The member's raw text when it has that kind, else empty.
inline std::string_view raw_member(std::string_view object, std::string_view name,
                                   codec::json_kind kind) {
  const auto found = codec::find_member(object, name);
  return found && found->kind == kind ? found->text : std::string_view{};
}
inline std::string_view raw_string_of(std::string_view object, std::string_view name) {
  return raw_member(object, name, codec::json_kind::string);
}
inline std::string_view raw_object_of(std::string_view object, std::string_view name) {
  return raw_member(object, name, codec::json_kind::object);
}
inline std::string_view raw_array_of(std::string_view object, std::string_view name) {
  return raw_member(object, name, codec::json_kind::array);
}

/// The string, where `raw` is one that holds something; else empty.
inline std::string_view text_of_raw(std::string_view raw) {
  return raw.size() > 2 && raw.front() == '"' ? raw : std::string_view{};
}
/// The list, where `raw` is one; else empty.
inline std::string_view list_of_raw(std::string_view raw) {
  return raw.starts_with('[') ? raw : std::string_view{};
}

/// A string with its quotes, or empty; one without characters counts as absent.
inline std::string_view raw_text_of(std::string_view object, std::string_view name) {
  return text_of_raw(raw_string_of(object, name));
}

/// Text of a string with its quotes; of an empty view nothing.
inline std::string unquote(std::string_view raw) {
  return raw.size() < 2 ? std::string{} : codec::unescape_json(raw.substr(1, raw.size() - 2));
}

/// The member's text, unescaped; empty when it is no string.
inline std::string string_member(std::string_view object, std::string_view name) {
  return unquote(raw_string_of(object, name));
}

/// Keeps a JSON string that the scan has accepted valid as text, too: what is no UTF-8 is replaced.
inline void append_raw_text(std::string& out, std::string_view raw) {
  if (raw.empty())
    out += R"("")";
  else if (codec::is_utf8(raw))
    out += raw;
  else
    codec::append_json_string(out, unquote(raw));
}

/// The same between the quotes of one that is being written; of an empty view nothing.
inline void append_inside(std::string& out, std::string_view raw) {
  if (raw.size() < 2) return;
  const auto inside = raw.substr(1, raw.size() - 2);
  if (codec::is_utf8(inside)) {
    out += inside;
    return;
  }
  std::string again;
  codec::append_json_string(again, codec::unescape_json(inside));
  out.append(again, 1, again.size() - 2);
}

/// Empties what is written anew for every event. A large one, an image's, does not stay for the
/// rest of the stream.
inline void empty_buffer(std::string& buffer) {
  constexpr std::size_t max_idle_bytes = std::size_t{64} << 10;
  buffer.clear();
  if (buffer.capacity() > max_idle_bytes) buffer.shrink_to_fit();
}

/// Adds to a JSON list that is written without its brackets.
inline void append_list_element(std::string& list, std::string_view element) {
  if (!list.empty() && !element.empty()) list += ",";
  list += element;
}

inline std::string quoted_json(std::string_view text) {
  std::string out;
  codec::append_json_string(out, text);
  return out;
}

}  // namespace understudy::translate
