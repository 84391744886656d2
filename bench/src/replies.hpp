// What the origin sends: heads, bodies and single stream events, in the OpenAI schema and in
// Bedrock's.
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

inline std::string whole_reply(bool is_bedrock, std::string_view origin, std::uint64_t bytes) {
  const std::string body = is_bedrock ? converse_reply(bytes) : chat_reply(bytes);
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

inline stream_pieces make_stream(bool is_bedrock, std::string_view origin, std::uint64_t bytes) {
  const std::string_view type =
      is_bedrock ? "application/vnd.amazon.eventstream" : "text/event-stream";
  stream_pieces pieces;
  pieces.first = head_for(type, origin, "transfer-encoding: chunked");
  if (is_bedrock) {
    pieces.first += http_chunk(event_frame("messageStart", R"({"role":"assistant"})"));
    pieces.event = http_chunk(
        event_frame("contentBlockDelta",
                    padded(R"({"contentBlockIndex":0,"delta":{"text":")", R"("}})", bytes)));
    pieces.last =
        http_chunk(event_frame("contentBlockStop", R"({"contentBlockIndex":0})")) +
        http_chunk(event_frame("messageStop", R"({"stopReason":"end_turn"})")) +
        http_chunk(event_frame(
            "metadata", R"({"usage":{"inputTokens":9,"outputTokens":12,"totalTokens":21}})"));
  } else {
    pieces.event = http_chunk(chat_event(bytes));
    pieces.time_at = pieces.event.find(time_mark) + time_mark.size();
    pieces.last = http_chunk(finish_event) + http_chunk(done_event);
  }
  pieces.last += "0\r\n\r\n";
  return pieces;
}

}  // namespace bench
