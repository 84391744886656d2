#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

bool is_plain(std::string_view name) {
  return name.find_first_of("\r\n:, ") == std::string_view::npos && name.size() <= 128;
}

void run(std::string_view model, bool may_drop, std::string_view bytes) {
  const auto one =
      translate::find(translate::operation::chat_completions, translate::schema::gcp_vertex_ai);
  translate::request_view view;
  view.body = bytes;
  view.model = model;
  translate::backend_view backend;
  backend.may_drop = may_drop;
  const auto request = one->request(view, backend);
  if (request) {
    fuzz::require(!codec::check_json(request->body.value()) && codec::is_utf8(*request->body));
    for (const auto& name : request->dropped) fuzz::require(is_plain(name));
  }
  codec::response_head head;
  head.status = bytes.size() % 3 == 0 ? 429 : 200;
  one->head(head, {});
  const auto answer = one->whole(head, bytes);
  if (answer) fuzz::require(!codec::check_json(answer->body) && codec::is_utf8(answer->body));
}

}  // namespace

/// Any body is either refused or becomes a JSON body; any answer becomes JSON or a refusal.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  run("gemini-3-pro", false, bytes);
  run("gemini-2.0-flash", true, bytes);
  return 0;
}
