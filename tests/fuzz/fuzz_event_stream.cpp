#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <understudy/codec/crc32.hpp>
#include <understudy/codec/event_stream.hpp>

using namespace understudy::codec;

namespace {

std::string decode(std::string_view bytes, std::size_t step) {
  event_stream_decoder decoder{std::size_t{1} << 16};
  std::string out;
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    event_message message;
    event_stream_decoder::step last{};
    while ((last = decoder.next(piece, message)) == event_stream_decoder::step::message) {
      for (const auto& h : message.headers)
        out.append(h.name).append("=").append(h.text).append(std::to_string(h.number));
      out.append(message.payload).append(";");
    }
    if (last == event_stream_decoder::step::failed) return out + std::string{decoder.error()};
  }
  return out;
}

void put(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

}  // namespace

/// Raw bytes, and the same bytes as the inside of a frame with right checksums, so that the header
/// reader is reached. However the bytes are cut, the same comes out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  std::string framed;
  const auto header_bytes = size == 0 ? 0 : data[0] % (size + 1);
  put(framed, static_cast<std::uint32_t>(16 + size));
  put(framed, static_cast<std::uint32_t>(header_bytes));
  put(framed, crc32(framed));
  framed += bytes;
  put(framed, crc32(framed));
  for (const std::string_view input : {bytes, std::string_view{framed}}) {
    const auto whole = decode(input, input.size() + 1);
    if (decode(input, 1) != whole || decode(input, 11) != whole) std::abort();
  }
  return 0;
}
