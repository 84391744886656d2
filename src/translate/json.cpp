#include "translate/json.hpp"

#include <algorithm>
#include <array>

namespace understudy::translate {
namespace {

/// `text` has passed check_json(), so brackets match and the depth is bounded.
bool has_crowded_object(std::string_view text) {
  constexpr std::size_t member_bytes = 5;  // `"":0,`
  if (text.size() < max_json_members * member_bytes) return false;
  std::array<std::size_t, codec::max_json_depth + 1> colons{};
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
        for (++at; text[at] != '"'; ++at)
          if (text[at] == '\\') ++at;
        break;
      case '{':
      case '[':
        if (++depth == colons.size()) return true;
        colons[depth] = 0;
        break;
      case '}':
      case ']':
        --depth;
        break;
      case ':':
        if (++colons[depth] > max_json_members) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

std::optional<json> parse_checked(std::string_view text) {
  if (has_crowded_object(text)) return std::nullopt;
  auto out = json::parse(text.begin(), text.end(), nullptr, false);
  if (out.is_discarded()) return std::nullopt;
  return out;
}

}  // namespace

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<json> parse_json(std::string_view text) {
  if (codec::check_json(text)) return std::nullopt;
  return parse_checked(text);
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

std::optional<json> request_object(std::string_view body, refusal& why) {
  why.status = 400;
  if (const auto error = codec::check_json(body)) {
    why.message = "malformed request: " + error->text();
    return std::nullopt;
  }
  auto object = parse_checked(body);
  if (object && object->is_object()) return object;
  why.message = object ? "malformed request: expected an object"
                       : "malformed request: an object has too many members";
  return std::nullopt;
}

}  // namespace understudy::translate
