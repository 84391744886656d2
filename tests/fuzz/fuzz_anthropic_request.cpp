#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;
using translate::schema;

/// Any body is either refused or becomes a JSON body; any answer becomes JSON or a refusal. The
/// first byte picks the envelope and what may be left out.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = fuzz::text_of(data, size);
  const auto first = fuzz::take_byte(bytes);
  constexpr schema targets[] = {schema::anthropic, schema::gcp_anthropic, schema::aws_anthropic};
  constexpr std::string_view models[] = {"claude-opus-5", "claude-sonnet-4-5", "claude-3-haiku"};
  const auto target = targets[first % 3];
  const auto one = translate::find(translate::operation::chat_completions, target);
  translate::request_view view;
  view.body = bytes;
  view.model = models[first / 3 % 3];
  translate::backend_view backend;
  backend.target_schema = target;
  backend.may_drop = first / 9 % 2 == 1;
  const auto request = one->request(view, backend);
  if (request) {
    fuzz::require(!codec::check_json(request->body.value()));
    fuzz::require(codec::is_utf8(*request->body));
    for (const auto& name : request->dropped)
      fuzz::require(name.find_first_of("\r\n, ") == std::string::npos);
  }
  codec::response_head head;
  head.status = size % 3 == 0 ? 429 : 200;
  one->head(head, {});
  const auto answer = one->whole(head, bytes);
  if (answer) {
    fuzz::require(!codec::check_json(answer->body));
    fuzz::require(codec::is_utf8(answer->body));
  }
  return 0;
}
