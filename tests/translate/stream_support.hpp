#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

/// Streams in the client's schema, made and read back, for the tests of resuming.
namespace understudy::translate_test {

using nlohmann::json;

inline std::string event(const json& data, std::string_view type = {}) {
  std::string out;
  if (!type.empty()) out.append("event: ").append(type) += '\n';
  return out.append("data: ").append(data.dump()).append("\n\n");
}

inline std::string chat_chunk(const std::string& id, const json& delta,
                              const json& finish = nullptr) {
  return event({{"id", id},
                {"object", "chat.completion.chunk"},
                {"created", id.size()},
                {"model", "of-" + id},
                {"choices", {{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}}}});
}

inline std::string text_chunk(const std::string& id, const std::string& text,
                              const json& finish = nullptr) {
  return event({{"id", id},
                {"created", id.size()},
                {"model", "of-" + id},
                {"choices", {{{"index", 0}, {"text", text}, {"finish_reason", finish}}}}});
}

inline std::string typed(json data) {
  const auto type = data["type"].get<std::string>();
  return event(data, type);
}

inline std::string block_start(int index, const char* type = "text") {
  return typed({{"type", "content_block_start"},
                {"index", index},
                {"content_block", {{"type", type}, {"text", ""}}}});
}
inline std::string block_delta(int index, const std::string& text) {
  return typed({{"type", "content_block_delta"},
                {"index", index},
                {"delta", {{"type", "text_delta"}, {"text", text}}}});
}
inline std::string block_stop(int index) {
  return typed({{"type", "content_block_stop"}, {"index", index}});
}

/// A whole answer, one element an event.
inline std::vector<std::string> answer(translate::operation op, const std::string& id,
                                       const std::vector<std::string>& pieces) {
  std::vector<std::string> out;
  if (op == translate::operation::completions) {
    for (const auto& piece : pieces) out.push_back(text_chunk(id, piece));
    out.push_back(text_chunk(id, "", "stop"));
    out.push_back("data: [DONE]\n\n");
  } else if (op == translate::operation::messages) {
    out.push_back(typed({{"type", "message_start"}, {"message", {{"id", id}}}}));
    out.push_back(block_start(0));
    out.push_back(typed({{"type", "ping"}}));
    for (const auto& piece : pieces) out.push_back(block_delta(0, piece));
    out.push_back(block_stop(0));
    out.push_back(typed({{"type", "message_delta"}, {"delta", {{"stop_reason", "end_turn"}}}}));
    out.push_back(typed({{"type", "message_stop"}}));
  } else {
    out.push_back(chat_chunk(id, {{"role", "assistant"}, {"content", ""}}));
    for (const auto& piece : pieces) out.push_back(chat_chunk(id, {{"content", piece}}));
    out.push_back(chat_chunk(id, json::object(), "stop"));
    out.push_back(
        event({{"id", id}, {"choices", json::array()}, {"usage", {{"total_tokens", 3}}}}));
    out.push_back("data: [DONE]\n\n");
  }
  return out;
}

/// What a client makes of a stream; throws where an event is no JSON.
struct client_view {
  std::string text;
  int openings = 0, block_starts = 0, block_stops = 0, finishes = 0, usages = 0, ends = 0;
  std::vector<std::string> ids;  ///< all that occur, once each
};

inline void read_choice(const json& data, client_view& out) {
  if (data["choices"].empty()) ++out.usages;
  for (const auto& choice : data["choices"]) {
    if (choice.contains("text")) out.text += choice["text"].get<std::string>();
    if (choice.contains("delta")) {
      out.openings += choice["delta"].contains("role") ? 1 : 0;
      out.text += choice["delta"].value("content", "");
    }
    if (!choice["finish_reason"].is_null()) ++out.finishes;
  }
}

inline void read_typed(const json& data, client_view& out) {
  const auto type = data["type"].get<std::string>();
  out.openings += type == "message_start" ? 1 : 0;
  out.block_starts += type == "content_block_start" ? 1 : 0;
  out.block_stops += type == "content_block_stop" ? 1 : 0;
  out.finishes += type == "message_delta" ? 1 : 0;
  out.ends += type == "message_stop" ? 1 : 0;
  if (type == "content_block_delta") out.text += data["delta"]["text"].get<std::string>();
}

inline client_view read_stream(std::string_view bytes) {
  client_view out;
  codec::sse_scanner scanner;
  codec::sse_event found;
  while (scanner.next(bytes, found) == codec::sse_scanner::step::event) {
    if (found.data == "[DONE]") {
      ++out.ends;
      continue;
    }
    const auto data = json::parse(found.data);
    if (data.contains("choices")) {
      const auto id = data.value("id", "") + "/" + data.value("model", "");
      if (out.ids.empty() || out.ids.back() != id) out.ids.push_back(id);
      read_choice(data, out);
    } else {
      read_typed(data, out);
    }
  }
  if (!scanner.is_between_events()) throw std::runtime_error{"half an event"};
  return out;
}

}  // namespace understudy::translate_test
