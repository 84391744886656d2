// Messages over a chat and over Converse: any request, any answer, any stream of chunks.
#include <string>

#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

std::string run(std::string_view bytes, std::size_t step) {
  const auto one = translate::find(translate::operation::messages, translate::schema::openai);
  const std::string body = R"({"stream":true,"stop_sequences":["END"],"messages":[]})";
  translate::request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  fuzz::require(one->request(view, {}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", "text/event-stream");
  fuzz::require(one->head(head, {}).mode == translate::body_mode::stream);
  std::string out;
  bool is_fine = true;
  while (is_fine && !bytes.empty()) {
    const auto piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    is_fine = one->feed(piece, out);
  }
  if (!is_fine || !one->finish(out)) one->abort("broken", out);
  return out;
}

/// Every event is JSON with its name in front, and the last one alone is an end or an error.
void check(std::string_view out) {
  bool is_last = false;
  while (!out.empty()) {
    fuzz::require(!is_last);
    const auto end = out.find("\n\n");
    const auto line = out.find('\n');
    fuzz::require(end != std::string_view::npos && out.starts_with("event: "));
    const auto name = out.substr(7, line - 7);
    const auto data = out.substr(line + 1, end - line - 1);
    fuzz::require(data.starts_with("data: ") && !codec::check_json(data.substr(6)));
    fuzz::require(codec::is_utf8(data));
    is_last = name == "message_stop" || name == "error";
    out.remove_prefix(end + 2);
  }
  fuzz::require(is_last);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  for (const auto target : {translate::schema::openai, translate::schema::aws_bedrock,
                            translate::schema::aws_anthropic}) {
    const auto one = translate::find(translate::operation::messages, target);
    translate::request_view view;
    view.body = bytes;
    view.model = "anthropic.claude";
    translate::backend_view backend;
    backend.may_drop = size % 2 == 0;
    const auto request = one->request(view, backend);
    if (request) fuzz::require(!codec::check_json(request->body.value()));
    codec::response_head head;
    head.status = size % 3 == 0 ? 429 : 200;
    if (one->head(head, {}).mode != translate::body_mode::whole) continue;
    const auto answer = one->whole(head, bytes);
    if (answer) fuzz::require(!codec::check_json(answer->body));
  }
  const auto whole = run(bytes, size + 1);
  check(whole);
  fuzz::require(run(bytes, 1) == whole && run(bytes, 13) == whole);
  // The same as one event a line.
  std::string events;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    events.append("data: ").append(line).append("\n\n");
  }
  check(run(events, events.size() + 1));
  return 0;
}
