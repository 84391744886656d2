#pragma once
#include <cstdint>
#include <string_view>

namespace understudy::codec {

/// CRC-32 of IEEE 802.3 (reflected 0xEDB88320), as the AWS event stream uses it. `seed` is the
/// value for the bytes before, 0 at the start.
std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0) noexcept;

}  // namespace understudy::codec
