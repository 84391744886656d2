#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace understudy::demo {

using nlohmann::json;

/// The string under that key; empty where there is none or it is something else.
inline std::string text_at(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The value under that key, or null.
inline const json& at(const json& object, const char* key) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found != object.end() ? *found : nothing;
}

}  // namespace understudy::demo
