// AWS event stream: raw bytes, and the same bytes as the inside of a frame with right checksums,
// so that the header reader is reached. However they are cut, the same comes out.
#include <string>
#include <understudy/codec/crc32.hpp>
#include <understudy/codec/event_stream.hpp>

#include "fuzz.hpp"

namespace {

using namespace understudy::codec;

std::string decode(const std::vector<std::string_view>& pieces) {
  event_stream_decoder decoder{std::size_t{1} << 16};
  std::string out;
  for (auto piece : pieces) {
    event_message message;
    event_stream_decoder::step last{};
    while ((last = decoder.next(piece, message)) == event_stream_decoder::step::message) {
      for (const auto& h : message.headers)
        out.append(h.name).append("=").append(h.text).append(std::to_string(h.number));
      out.append(message.payload).append(";");
    }
    if (last == event_stream_decoder::step::failed) return out + std::string{decoder.error()};
    fuzz::require(piece.empty());
  }
  return out;
}

void put(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

std::string framed(std::string_view inside, std::uint8_t seed) {
  std::string out;
  put(out, static_cast<std::uint32_t>(16 + inside.size()));
  put(out, static_cast<std::uint32_t>(seed % (inside.size() + 1)));
  put(out, crc32(out));
  out += inside;
  put(out, crc32(out));
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto seed = fuzz::take_byte(input);
  fuzz::require(decode({input}) == decode(fuzz::cut(input, seed)));
  const auto frame = framed(input, seed);
  fuzz::require(decode({frame}) == decode(fuzz::cut(frame, seed)));
  return 0;
}
