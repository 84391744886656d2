#include <string>

#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

std::string run(std::string_view bytes, std::size_t step) {
  const auto one = translate::find(translate::operation::messages, translate::schema::aws_bedrock);
  const std::string body = R"({"stream":true,"messages":[]})";
  translate::request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  fuzz::require(one->request(view, {}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", codec::event_stream_content_type);
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

/// Input: events as `kind payload` lines, each put into a well-formed frame; kind is one letter.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  check(run(rest, size + 1));
  constexpr std::string_view names[] = {"messageStart",      "contentBlockStart",
                                        "contentBlockDelta", "contentBlockStop",
                                        "messageStop",       "metadata"};
  std::string frames;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    const auto kind = static_cast<unsigned char>(line.front()) % (std::size(names) + 1);
    if (kind == std::size(names))
      codec::append_json_exception(frames, "validationException", line.substr(1));
    else
      codec::append_json_event(frames, names[kind], line.substr(1));
  }
  const auto whole = run(frames, frames.size() + 1);
  check(whole);
  fuzz::require(run(frames, 1) == whole && run(frames, 13) == whole);
  return 0;
}
