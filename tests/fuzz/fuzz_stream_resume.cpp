// A stream that broke and the one that goes on: what is remembered and what is let through do not
// depend on how the bytes are cut, and a failed repetition never ends as if it were whole.
#include <string>
#include <understudy/translate/stream_resume.hpp>

#include "fuzz.hpp"

namespace {

namespace translate = understudy::translate;
using pieces = std::vector<std::string_view>;

constexpr translate::operation operations[] = {
    translate::operation::chat_completions, translate::operation::completions,
    translate::operation::messages, translate::operation::chat_completions};

struct sent {
  translate::sent_text text;
  std::string out;
};

sent pass(translate::operation op, const pieces& first) {
  sent s{translate::sent_text{op, 4096}, {}};
  std::string all;
  for (const auto piece : first) {
    s.text.pass(piece, s.out);
    all += piece;
    fuzz::require(all.starts_with(s.out));
  }
  s.text.finish(s.out);
  fuzz::require(all == s.out);
  return s;
}

std::string repeat(const translate::sent_text& sent, translate::stream_repeat::mode mode,
                   const pieces& second) {
  translate::stream_repeat again{sent, mode, 2};
  std::string out;
  bool is_fine = true;
  for (const auto piece : second) {
    is_fine = again.feed(piece, out);
    if (!is_fine) break;
  }
  is_fine = is_fine && again.finish(out);
  fuzz::require(is_fine == again.why().empty());
  if (is_fine) return out + "|whole";
  // It has ended only where its end came before what made it fail.
  return out + "|" + std::string{again.why()};
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto which = fuzz::take_byte(input);
  const auto seed = fuzz::take_byte(input);
  const auto op = operations[which & 3U];
  const auto mode = (which & 4U) == 0 ? translate::stream_repeat::mode::verify
                                      : translate::stream_repeat::mode::proceed;
  const auto middle = input.find('|');
  const auto first = input.substr(0, middle);
  const auto second = middle == std::string_view::npos ? first : input.substr(middle + 1);
  const auto whole = pass(op, {first});
  const auto cut = pass(op, fuzz::cut(first, seed));
  fuzz::require(whole.text.text() == cut.text.text());
  fuzz::require(whole.text.is_plain_text() == cut.text.is_plain_text());
  fuzz::require(whole.text.is_complete() == cut.text.is_complete());
  fuzz::require(repeat(whole.text, mode, {second}) ==
                repeat(cut.text, mode, fuzz::cut(second, seed)));
  return 0;
}
