#include <string>

#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/sse.hpp>
#include <understudy/codec/text.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;
using translate::schema;

namespace {

std::string run(schema target, const std::vector<std::string_view>& pieces) {
  const auto one = translate::find(translate::operation::chat_completions, target);
  const std::string body =
      R"({"stream":true,"stream_options":{"include_usage":true},"messages":[]})";
  translate::request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  fuzz::require(one->request(view, {}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", target == schema::anthropic ? "text/event-stream"
                                                              : codec::event_stream_content_type);
  fuzz::require(one->head(head, {}).mode == translate::body_mode::stream);
  std::string out;
  bool is_fine = true;
  for (const auto piece : pieces) is_fine = is_fine && one->feed(piece, out);
  if (!is_fine || !one->finish(out)) one->abort("broken", out);
  return out;
}

/// Every line of data is JSON, and an error never ends like a success.
void check(std::string_view out) {
  while (!out.empty()) {
    const auto end = out.find("\n\n");
    fuzz::require(end != std::string_view::npos && out.starts_with("data: "));
    const auto data = out.substr(6, end - 6);
    out.remove_prefix(end + 2);
    const bool is_last = out.empty();
    fuzz::require(data == "[DONE]" ? is_last : !codec::check_json(data));
    fuzz::require(codec::is_utf8(data));
    if (data.starts_with("{\"error\"")) fuzz::require(is_last);
    if (is_last) fuzz::require(data == "[DONE]" || data.starts_with("{\"error\""));
  }
}

void check_cuts(schema target, std::string_view bytes, std::uint8_t seed) {
  const auto whole = run(target, {bytes});
  check(whole);
  fuzz::require(run(target, fuzz::cut(bytes, seed)) == whole);
  fuzz::require(run(target, fuzz::cut(bytes, 0)) == whole);
}

}  // namespace

/// Input: a seed, then server-sent events; as they are, and their data in frames of AWS.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const auto seed = fuzz::take_byte(rest);
  check_cuts(schema::anthropic, rest, seed);
  check_cuts(schema::aws_anthropic, rest, seed);
  codec::sse_scanner scanner;
  std::string frames;
  for (codec::sse_event e; scanner.next(rest, e) == codec::sse_scanner::step::event;)
    if (e.type == "exception")
      codec::append_json_exception(frames, "validationException", e.data);
    else
      codec::append_json_event(frames, "chunk",
                               R"({"bytes":")" + codec::base64_encode(e.data) + R"("})");
  check_cuts(schema::aws_anthropic, frames, seed);
  return 0;
}
