#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <understudy/base/random.hpp>

/// Random requests and answers of what two dialects both have words for; the same for a seed.
namespace understudy::translate_test {

using nlohmann::json;

class generator {
 public:
  explicit generator(std::uint64_t seed) : random_{seed} {}

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool maybe(std::uint64_t one_in = 2) { return below(one_in) == 0; }

  /// Not blank, with what JSON, SSE and UTF-8 make hard.
  std::string text() {
    constexpr std::array<std::string_view, 12> words{
        "all",    "quiet ",  "\"so\"", "\\n",    "line\nline",          "\ttab",
        "Zürich", "\u2028x", "日本",   "😀 fine", "data: 1\n\nevent: x", "{\"a\":[1]}"};
    std::string out{words[below(words.size())]};
    for (auto more = below(4); more > 0; --more) out += words[below(words.size())];
    return out + ".";
  }

  std::string id(std::string_view prefix) {
    return std::string{prefix} + std::to_string(below(1'000'000'000));
  }

  /// A JSON object as models give it for arguments.
  json arguments() {
    json out = json::object();
    if (maybe(4)) return out;
    out["s"] = text();
    if (maybe()) out["n"] = below(1000);
    if (maybe()) out["list"] = {1, nullptr, true, text()};
    if (maybe()) out["inner"] = {{"deep", {{"deeper", text()}}}};
    return out;
  }

  json parameters() {
    json out{{"type", "object"}, {"properties", json::object()}};
    if (maybe(3)) return out;
    out["properties"]["s"] = {{"type", "string"}, {"description", text()}};
    if (maybe()) out["required"] = {"s"};
    return out;
  }

  json cut(const std::string& whole) {
    json out = json::array();
    for (std::size_t at = 0; at < whole.size();) {
      auto size = 1 + below(12);
      // JSON holds whole characters only.
      while (at + size < whole.size() &&
             (static_cast<unsigned char>(whole[at + size]) & 0xC0U) == 0x80U)
        ++size;
      out.push_back(whole.substr(at, size));
      at += size;
    }
    return out;
  }

 private:
  base::seeded_random random_;
};

// round_trip_chat.cpp
json random_chat_request(generator& make);
json random_chat_answer(generator& make);
/// Events of the same answer, cut anywhere.
std::string chat_stream_of(const json& answer, generator& make);
json chat_answer_of_stream(std::string_view stream);
/// What of a request or an answer must come back: one spelling for what has several.
json chat_essence(json request);
json chat_answer_essence(const json& answer);

// round_trip_messages.cpp
/// `has_extras`: thinking and cache marks, which a plain chat has no words for.
json random_messages_request(generator& make, bool has_extras);
json random_message(generator& make, bool has_extras);
std::string message_stream_of(const json& message, generator& make);
json message_of_stream(std::string_view stream);
json messages_essence(json request);
json message_essence(json message);

}  // namespace understudy::translate_test
