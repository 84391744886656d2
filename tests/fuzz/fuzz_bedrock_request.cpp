#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

/// Any body is either refused or becomes a JSON body; any answer becomes JSON or a refusal.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const auto one =
      translate::find(translate::operation::chat_completions, translate::schema::aws_bedrock);
  translate::request_view view;
  view.body = bytes;
  view.model = "anthropic.claude";
  const auto request = one->request(view, {});
  if (request && codec::check_json(request->body.value())) std::abort();
  codec::response_head head;
  head.status = size % 3 == 0 ? 429 : 200;
  one->head(head, {});
  const auto answer = one->whole(head, bytes);
  if (answer && (codec::check_json(answer->body) || !codec::is_utf8(answer->body))) std::abort();
  return 0;
}
