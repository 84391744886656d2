#include <string>

#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

struct run_result {
  std::string out;
  bool is_whole = false;
};

run_result run(const std::vector<std::string_view>& pieces) {
  auto served = translate::operation_set::none();
  served.insert(translate::operation::chat_completions);
  const auto one =
      translate::find(translate::operation::responses, translate::schema::openai, served);
  const std::string body =
      R"({"input":"x","stream":true,"include":["reasoning.encrypted_content"]})";
  translate::request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  fuzz::require(one->request(view, {}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", "text/event-stream");
  fuzz::require(one->head(head, {}).mode == translate::body_mode::stream);
  run_result got;
  bool is_fine = true;
  for (const auto piece : pieces) is_fine = is_fine && one->feed(piece, got.out);
  got.is_whole = is_fine && one->finish(got.out);
  if (!got.is_whole) one->abort("broken", got.out);
  return got;
}

bool is_end(std::string_view type) {
  return type == "response.completed" || type == "response.incomplete";
}

/// Every event is JSON with the next sequence number; what broke never ends like a whole answer.
void check(const run_result& got) {
  std::string_view rest = got.out;
  std::string last;
  codec::sse_scanner scanner{std::size_t{64} << 20};
  codec::sse_event event;
  for (std::size_t sequence = 0; scanner.next(rest, event) == codec::sse_scanner::step::event;
       ++sequence) {
    fuzz::require(!is_end(last) && last != "error");
    fuzz::require(!codec::check_json(event.data) && codec::is_utf8(event.data));
    const auto number = codec::find_member(event.data, "sequence_number");
    fuzz::require(number && number->text == std::to_string(sequence));
    const auto type = codec::find_member(event.data, "type");
    fuzz::require(type && type->raw_string() == event.type);
    last = event.type;
  }
  fuzz::require(scanner.is_between_events());
  fuzz::require(got.is_whole ? is_end(last) : last == "error");
}

}  // namespace

/// Input: the bytes of a chat's stream.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto whole = run({text});
  check(whole);
  for (const std::uint8_t seed : std::initializer_list<std::uint8_t>{0, 1, 7}) {
    const auto again = run(fuzz::cut(text, seed));
    fuzz::require(again.out == whole.out && again.is_whole == whole.is_whole);
  }
  return 0;
}
