#pragma once
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace understudy::codec_test {

inline std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error{"cannot read " + path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline nlohmann::json vectors(const std::string& name) {
  return nlohmann::json::parse(
      read_file(UNDERSTUDY_SOURCE_DIR "/tests/codec/vectors/" + name + ".json"));
}

inline std::string unhex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  return out;
}

}  // namespace understudy::codec_test
