// Chunked bodies: however the bytes are cut, decoding says the same, and passing on consumes as
// much and forwards a body that decodes alike.
#include <string>
#include <understudy/codec/chunked.hpp>

#include "fuzz.hpp"

namespace {

using understudy::codec::chunk_tracker;

struct outcome {
  std::string data;
  std::size_t consumed = 0;
  bool is_done = false;
  chunk_tracker::failure why{};
  bool operator==(const outcome&) const = default;
};

outcome decode(const std::vector<std::string_view>& pieces) {
  chunk_tracker tracker;
  outcome out;
  for (auto piece : pieces) {
    while (!piece.empty() && !tracker.is_done() && !tracker.has_failed()) {
      std::string_view data;
      const auto n = tracker.next(piece, data);
      out.data += data;
      out.consumed += n;
      piece.remove_prefix(n);
    }
  }
  out.is_done = tracker.is_done();
  out.why = tracker.error();
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto seed = fuzz::take_byte(input);
  const auto whole = decode({input});
  fuzz::require(decode(fuzz::cut(input, seed)) == whole);

  chunk_tracker tracker;
  std::string forwarded;
  std::size_t consumed = 0;
  for (const auto piece : fuzz::cut(input, seed)) {
    const auto passed = tracker.pass(piece);
    fuzz::require(passed.forward <= passed.consumed);
    forwarded += piece.substr(0, passed.forward);
    if (passed.needs_end) forwarded += "\r\n";
    consumed += passed.consumed;
  }
  fuzz::require(consumed == whole.consumed && tracker.is_done() == whole.is_done);
  if (whole.is_done) {
    const auto again = decode({forwarded});
    fuzz::require(again.is_done && again.data == whole.data && again.consumed == forwarded.size());
  }
  return 0;
}
