// Server-sent events: however the bytes are cut, the same events come out, within the limit.
#include <string>
#include <understudy/codec/sse.hpp>

#include "fuzz.hpp"

namespace {

using understudy::codec::sse_event;
using understudy::codec::sse_scanner;

constexpr std::size_t max_event_bytes = 4096;

std::vector<std::string> scan(const std::vector<std::string_view>& pieces) {
  sse_scanner scanner{max_event_bytes};
  std::vector<std::string> out;
  for (auto piece : pieces) {
    sse_event event;
    sse_scanner::step last{};
    while ((last = scanner.next(piece, event)) == sse_scanner::step::event) {
      fuzz::require(event.data.size() <= max_event_bytes);
      fuzz::require(event.type.find_first_of("\r\n") == std::string_view::npos);
      std::string text{event.type};
      out.push_back(text.append("|").append(event.data).append("|").append(event.id));
    }
    if (last == sse_scanner::step::too_large) return out;
    fuzz::require(piece.empty());
  }
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto seed = fuzz::take_byte(input);
  fuzz::require(scan({input}) == scan(fuzz::cut(input, seed)));
  return 0;
}
