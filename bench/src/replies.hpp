// What the origin sends: heads, bodies and single stream events, in the schemas of the providers.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "common.hpp"

namespace bench {

inline std::string converse_reply(std::size_t total) {
  return padded(
      R"({"metrics":{"latencyMs":1},"output":{"message":{"role":"assistant","content":[{"text":")",
      R"("}]}},"stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":12,"totalTokens":21}})",
      total);
}

inline std::uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value & 1U) ? (value >> 1U) ^ 0xEDB88320U : value >> 1U;
      rows[i] = value;
    }
    return rows;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes)
    crc = table[(crc ^ static_cast<unsigned char>(byte)) & 255U] ^ (crc >> 8U);
  return ~crc;
}

inline void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// One frame of the AWS event stream encoding, both checksums included.
inline std::string event_frame(std::string_view type, std::string_view payload) {
  std::string headers;
  const std::pair<std::string_view, std::string_view> fields[] = {
      {":event-type", type}, {":content-type", "application/json"}, {":message-type", "event"}};
  for (const auto& [name, value] : fields) {
    headers.push_back(static_cast<char>(name.size()));
    headers.append(name);
    headers.push_back(7);
    headers.push_back(static_cast<char>(value.size() >> 8U));
    headers.push_back(static_cast<char>(value.size()));
    headers.append(value);
  }
  std::string frame;
  put_u32(frame, static_cast<std::uint32_t>(16 + headers.size() + payload.size()));
  put_u32(frame, static_cast<std::uint32_t>(headers.size()));
  put_u32(frame, crc32(frame));
  frame.append(headers).append(payload);
  put_u32(frame, crc32(frame));
  return frame;
}

inline std::string http_chunk(std::string_view data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return std::string(size).append(data).append("\r\n");
}

inline std::string head_for(std::string_view type, std::string_view origin,
                            std::string_view framing) {
  std::string head = "HTTP/1.1 200 OK\r\ncontent-type: ";
  head.append(type).append("\r\nx-bench-origin: ").append(origin);
  head.append("\r\nx-amzn-requestid: bench-request\r\n").append(framing).append("\r\n\r\n");
  return head;
}

enum class wire : unsigned char { chat, converse, gemini, anthropic };

// Of a request line.
inline wire wire_of(std::string_view target) {
  if (target.find("/converse") != target.npos) return wire::converse;
  if (target.find("enerateContent") != target.npos) return wire::gemini;
  return target.find("/messages") != target.npos ? wire::anthropic : wire::chat;
}

inline std::string whole_reply(wire as, std::string_view origin, std::uint64_t bytes) {
  const std::string body = as == wire::converse ? converse_reply(bytes) : chat_reply(bytes);
  return head_for("application/json", origin, "content-length: " + std::to_string(body.size())) +
         body;
}

// The pieces of a streamed answer: what comes before the events, one event, what comes after.
struct stream_pieces {
  std::string first;
  std::string event;
  std::string last;
  std::size_t time_at = std::string::npos;  // where in `event` the send time goes
};

inline stream_pieces converse_stream(const std::string& text) {
  stream_pieces pieces;
  pieces.first = http_chunk(event_frame("messageStart", R"({"role":"assistant"})"));
  pieces.event =
      http_chunk(event_frame("contentBlockDelta", R"({"contentBlockIndex":0,"delta":{"text":")" +
                                                      text + R"("},"p":"abcdefgh"})"));
  pieces.last =
      http_chunk(event_frame("contentBlockStop", R"({"contentBlockIndex":0})")) +
      http_chunk(event_frame("messageStop", R"({"stopReason":"end_turn"})")) +
      http_chunk(event_frame("metadata",
                             R"({"usage":{"inputTokens":9,"outputTokens":12,"totalTokens":21}})"));
  return pieces;
}

// As Vertex AI writes it: lines end in CR LF, usage and identity are in every chunk.
inline stream_pieces gemini_stream(const std::string& text) {
  const auto chunk = [](const std::string& said, std::string_view end, std::string_view usage) {
    std::string event =
        R"(data: {"candidates": [{"content": {"role": "model","parts": [{"text": ")";
    event.append(said).append(R"("}]})").append(end).append(R"(}],"usageMetadata": {)");
    event.append(usage).append(
        R"("trafficType": "ON_DEMAND"},"modelVersion": "gemini-2.5-flash",)");
    event += R"("createTime": "2026-11-28T10:00:00.000000Z","responseId": "cP5uZ5aBHs2d1MkP"})";
    return http_chunk(event + "\r\n\r\n");
  };
  stream_pieces pieces;
  pieces.event = chunk(text, "", "");
  pieces.last = chunk(".", R"(,"finishReason": "STOP")",
                      R"("promptTokenCount": 9,"candidatesTokenCount": 12,"totalTokenCount": 21,)");
  return pieces;
}

inline stream_pieces anthropic_stream(const std::string& text) {
  const auto event = [](const std::string& type, const std::string& rest) {
    return http_chunk("event: " + type + "\ndata: {\"type\":\"" + type + "\"" + rest + "}\n\n");
  };
  stream_pieces pieces;
  pieces.first =
      event("message_start",
            R"(,"message":{"id":"msg_1","type":"message","role":"assistant","content":[],)"
            R"("model":"bench","stop_reason":null,"stop_sequence":null,)"
            R"("usage":{"input_tokens":9,"output_tokens":1}})") +
      event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})");
  pieces.event = event("content_block_delta",
                       R"(,"index":0,"delta":{"type":"text_delta","text":")" + text + R"("})");
  pieces.last =
      event("content_block_stop", R"(,"index":0)") +
      event("message_delta", R"(,"delta":{"stop_reason":"end_turn","stop_sequence":null},)"
                             R"("usage":{"output_tokens":12})") +
      event("message_stop", "");
  return pieces;
}

inline stream_pieces chat_stream(std::uint64_t bytes) {
  stream_pieces pieces;
  pieces.event = http_chunk(chat_event(bytes));
  pieces.time_at = pieces.event.find(time_mark) + time_mark.size();
  pieces.last = http_chunk(finish_event) + http_chunk(done_event);
  return pieces;
}

// `bytes` are those of an event in the OpenAI schema; all others bring the same text.
inline stream_pieces make_stream(wire as, std::string_view origin, std::uint64_t bytes) {
  const std::string text = text_of_event(bytes);
  stream_pieces pieces = as == wire::converse    ? converse_stream(text)
                         : as == wire::gemini    ? gemini_stream(text)
                         : as == wire::anthropic ? anthropic_stream(text)
                                                 : chat_stream(bytes);
  const std::string_view type =
      as == wire::converse ? "application/vnd.amazon.eventstream" : "text/event-stream";
  pieces.first.insert(0, head_for(type, origin, "transfer-encoding: chunked"));
  pieces.last += "0\r\n\r\n";
  return pieces;
}

}  // namespace bench
