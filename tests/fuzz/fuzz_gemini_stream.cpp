#include <string>

#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

std::string run(const std::string& body, std::string_view bytes, std::size_t step) {
  const auto one =
      translate::find(translate::operation::chat_completions, translate::schema::gcp_vertex_ai);
  translate::request_view view;
  view.body = body;
  view.model = "gemini-2.5-flash";
  view.stream = true;
  if (!one->request(view, {})) std::abort();
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", "text/event-stream");
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

/// Input: the bytes of a stream. Searched and quoted answers keep their text.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  for (const char* more : {R"("stream_options":{"include_usage":true})",
                           R"("web_search_options":{})", R"("guided_regex":"a")"}) {
    const auto body = R"({"stream":true,"messages":[],)" + std::string{more} + "}";
    const auto whole = run(body, bytes, size + 1);
    check(whole);
    if (run(body, bytes, 1) != whole || run(body, bytes, 13) != whole) std::abort();
  }
  return 0;
}
