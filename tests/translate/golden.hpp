#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <understudy/translate/translator.hpp>

/// Golden cases: a folder each under tests/golden/<operation>/<schema>/.
///   request.json           what the client sends
///   upstream_request.json  the body that must go upstream
///   upstream.json | .txt | .events.json | .bin   what the upstream answers
///   downstream.json | .sse what the client must get
///   case.json              override, target, status, headers, refusal, answer_refusal, broken
namespace understudy::translate_test {

using nlohmann::json;

/// When the upstreams of the cases answer.
inline constexpr base::wall_time golden_time{std::chrono::seconds{1767323045}};

struct golden_case {
  std::filesystem::path folder;
  json knobs = json::object();
  std::string request;

  std::string name() const { return folder.filename().string(); }
  bool has(const char* file) const { return std::filesystem::exists(folder / file); }

  std::string text(const char* file) const {
    std::ifstream in{folder / file, std::ios::binary};
    if (!in) throw std::runtime_error{"cannot read " + (folder / file).string()};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

inline std::vector<golden_case> golden_cases(const std::string& operation_and_schema) {
  std::vector<golden_case> out;
  const std::filesystem::path root = UNDERSTUDY_SOURCE_DIR "/tests/golden/" + operation_and_schema;
  for (const auto& entry : std::filesystem::directory_iterator{root}) {
    golden_case one;
    one.folder = entry.path();
    one.request = one.text("request.json");
    if (one.has("case.json")) one.knobs = json::parse(one.text("case.json"));
    out.push_back(std::move(one));
  }
  return out;
}

/// Events of a stream, `[DONE]` as a string; one with a name is [name, data]. Throws on anything
/// that is not exactly an `event: ` line where there is one, one `data: ` line and a blank one, so
/// that a missing blank line fails.
inline std::vector<json> sse_events(std::string_view text) {
  std::vector<json> out;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    auto event = text.substr(0, end);
    const auto fail = [&] {
      throw std::runtime_error{"not an event: " + std::string{text.substr(0, 200)}};
    };
    if (end == std::string_view::npos) fail();
    std::string name;
    if (event.starts_with("event: ")) {
      const auto line = event.find('\n');
      if (line == std::string_view::npos) fail();
      name = event.substr(7, line - 7);
      event.remove_prefix(line + 1);
    }
    if (!event.starts_with("data: ") || event.find('\n') != std::string_view::npos) fail();
    const auto data = event.substr(6);
    auto value = data == "[DONE]" ? json("[DONE]") : json::parse(data);
    out.push_back(name.empty() ? std::move(value) : json::array({name, std::move(value)}));
    text.remove_prefix(end + 2);
  }
  return out;
}

/// The same of a stream whose events have no names.
inline std::vector<json> sse_payloads(std::string_view text) {
  auto out = sse_events(text);
  for (const auto& event : out)
    if (event.is_array()) throw std::runtime_error{"an event with a name"};
  return out;
}

}  // namespace understudy::translate_test
