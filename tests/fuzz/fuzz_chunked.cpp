#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <understudy/codec/chunked.hpp>

using namespace understudy::codec;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct outcome {
  std::string data;
  std::size_t consumed = 0;
  bool is_done = false;
  chunk_tracker::failure why{};
  bool operator==(const outcome&) const = default;
};

outcome decode(std::string_view bytes, std::size_t step) {
  chunk_tracker tracker;
  outcome out;
  while (!bytes.empty() && !tracker.is_done() && !tracker.has_failed()) {
    std::string_view data;
    const auto n = tracker.next(bytes.substr(0, step), data);
    out.data += data;
    out.consumed += n;
    bytes.remove_prefix(n);
  }
  out.is_done = tracker.is_done();
  out.why = tracker.error();
  return out;
}

}  // namespace

/// However the bytes are cut, decoding says the same, and passing on consumes as much.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto whole = decode(bytes, size + 1);
  require(decode(bytes, 1) == whole);
  require(decode(bytes, 7) == whole);
  chunk_tracker tracker;
  const auto passed = tracker.pass(bytes);
  require(passed.consumed == whole.consumed);
  require(passed.forward <= passed.consumed);
  require(tracker.is_done() == whole.is_done);
  if (whole.is_done) {
    std::string forwarded{bytes.substr(0, passed.forward)};
    if (passed.needs_end) forwarded += "\r\n";
    const auto again = decode(forwarded, forwarded.size());
    require(again.is_done && again.data == whole.data && again.consumed == forwarded.size());
  }
  return 0;
}
