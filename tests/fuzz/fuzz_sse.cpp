#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/sse.hpp>

using namespace understudy::codec;

namespace {

std::vector<std::string> scan(std::string_view bytes, std::size_t step) {
  sse_scanner scanner{4096};
  std::vector<std::string> out;
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    sse_event event;
    sse_scanner::step last{};
    while ((last = scanner.next(piece, event)) == sse_scanner::step::event)
      out.push_back(std::string{event.type}.append("|").append(event.data).append("|").append(
          event.id));
    if (last == sse_scanner::step::too_large) return out;
    if (!piece.empty()) std::abort();
  }
  return out;
}

}  // namespace

/// However the bytes are cut, the same events come out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto whole = scan(bytes, size + 1);
  if (scan(bytes, 1) != whole || scan(bytes, 5) != whole) std::abort();
  return 0;
}
