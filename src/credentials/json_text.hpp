#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace understudy::credentials {

/// The text at `key`; empty when there is none.
inline std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace understudy::credentials
