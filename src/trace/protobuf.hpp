#pragma once
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The wire format of protocol buffers, as much as OTLP needs.
namespace understudy::trace::protobuf {

enum class wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

inline void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

inline std::size_t varint_bytes(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1U) + 6) / 7;
}

/// Fields up to number 15 have tags of one byte; this takes up to 2047.
inline void put_tag(std::string& out, unsigned field, wire type) {
  put_varint(out, field << 3U | static_cast<unsigned>(type));
}

inline void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_tag(out, field, wire::bytes);
  put_varint(out, bytes.size());
  out.append(bytes);
}

inline void put_number(std::string& out, unsigned field, std::uint64_t value) {
  put_tag(out, field, wire::varint);
  put_varint(out, value);
}

inline void put_fixed64(std::string& out, unsigned field, std::uint64_t value) {
  put_tag(out, field, wire::fixed64);
  for (int i = 0; i < 8; ++i, value >>= 8) out += static_cast<char>(value & 0xFFU);
}

inline void put_fixed32(std::string& out, unsigned field, std::uint32_t value) {
  put_tag(out, field, wire::fixed32);
  for (int i = 0; i < 4; ++i, value >>= 8) out += static_cast<char>(value & 0xFFU);
}

/// One field at the front of `from`, which loses it. Nothing at its end, or where it is malformed.
struct field {
  unsigned number = 0;
  std::uint64_t value = 0;  ///< of a varint
  std::string_view bytes;
};

inline std::optional<std::uint64_t> take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

inline std::optional<field> take_field(std::string_view& from) {
  const auto tag = take_varint(from);
  if (!tag) return std::nullopt;
  field out;
  out.number = static_cast<unsigned>(*tag >> 3U);
  std::size_t size = 0;
  switch (static_cast<wire>(*tag & 7U)) {
    case wire::varint: {
      const auto value = take_varint(from);
      if (!value) return std::nullopt;
      out.value = *value;
      return out;
    }
    case wire::bytes: {
      const auto length = take_varint(from);
      if (!length || *length > from.size()) return std::nullopt;
      size = static_cast<std::size_t>(*length);
      break;
    }
    case wire::fixed64:
      size = 8;
      break;
    case wire::fixed32:
      size = 4;
      break;
    default:
      return std::nullopt;
  }
  if (size > from.size()) return std::nullopt;
  out.bytes = from.substr(0, size);
  from.remove_prefix(size);
  return out;
}

}  // namespace understudy::trace::protobuf
