#include <string>

#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

std::string run(std::string_view bytes, std::size_t step) {
  const auto one =
      translate::find(translate::operation::chat_completions, translate::schema::aws_bedrock);
  const std::string body =
      R"({"stream":true,"stream_options":{"include_usage":true},"messages":[]})";
  translate::request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  if (!one->request(view, {})) std::abort();
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", codec::event_stream_content_type);
  if (one->head(head, {}).mode != translate::body_mode::stream) std::abort();
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

/// Every line of data is JSON, and an error never ends like a success.
void check(std::string_view out) {
  while (!out.empty()) {
    const auto end = out.find("\n\n");
    if (end == std::string_view::npos || !out.starts_with("data: ")) std::abort();
    const auto data = out.substr(6, end - 6);
    out.remove_prefix(end + 2);
    const bool is_last = out.empty();
    if (data == "[DONE]" ? !is_last : codec::check_json(data).has_value()) std::abort();
    if (!codec::is_utf8(data)) std::abort();
    if (data.starts_with("{\"error\"") && !is_last) std::abort();
  }
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
  if (run(frames, 1) != whole || run(frames, 13) != whole) std::abort();
  return 0;
}
