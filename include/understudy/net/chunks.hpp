#pragma once
#include <charconv>
#include <string>
#include <string_view>

/// Chunks of our own (RFC 9112 §7.1).
namespace understudy::net {

inline void append_chunk_size(std::string& out, std::size_t size) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, size, 16);
  out.append(digits, end.ptr).append("\r\n");
}

inline void append_chunk(std::string& out, std::string_view data) {
  append_chunk_size(out, data.size());
  out.append(data).append("\r\n");
}

}  // namespace understudy::net
