#include <understudy/codec/crc32.hpp>

#include <array>

namespace understudy::codec {
namespace {

using table_set = std::array<std::array<std::uint32_t, 256>, 8>;

/// Table k moves a byte past k more bytes, so that eight are taken at a time.
constexpr table_set make_tables() {
  table_set t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 0xFFU];
  return t;
}

constexpr table_set tables = make_tables();

std::uint32_t load_le(const unsigned char* p) {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
         static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t seed) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  std::uint32_t crc = ~seed;
  for (; left >= 8; left -= 8, p += 8) {
    const std::uint32_t low = load_le(p) ^ crc;
    const std::uint32_t high = load_le(p + 4);
    crc = tables[7][low & 0xFFU] ^ tables[6][low >> 8 & 0xFFU] ^ tables[5][low >> 16 & 0xFFU] ^
          tables[4][low >> 24] ^ tables[3][high & 0xFFU] ^ tables[2][high >> 8 & 0xFFU] ^
          tables[1][high >> 16 & 0xFFU] ^ tables[0][high >> 24];
  }
  for (; left > 0; --left, ++p) crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xFFU];
  return ~crc;
}

}  // namespace understudy::codec
