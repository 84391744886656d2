#include "translate/json.hpp"

#include <array>

namespace understudy::translate {
namespace {

/// `text` has passed check_json(), so brackets match and the depth is bounded.
bool has_crowded_object(std::string_view text) {
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

}  // namespace

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<json> parse_json(std::string_view text) {
  if (codec::check_json(text) || has_crowded_object(text)) return std::nullopt;
  auto out = json::parse(text.begin(), text.end(), nullptr, false);
  if (out.is_discarded()) return std::nullopt;
  return out;
}

}  // namespace understudy::translate
