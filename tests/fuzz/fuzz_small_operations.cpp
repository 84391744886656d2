#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

using namespace understudy;

namespace {

using enum translate::operation;
using translate::schema;

struct pair {
  translate::operation op;
  schema target;
  const char* model;
  const char* request;  ///< one that is taken, so that answers are reached
};

constexpr const char* text = R"({"input":["a"],"encoding_format":"base64"})";
constexpr const char* texts = R"({"input":["a","b"]})";
constexpr const char* ranked = R"({"query":"q","documents":["a","b"]})";
constexpr const char* counted = R"({"messages":[]})";

constexpr pair pairs[] = {
    {embeddings, schema::aws_bedrock, "amazon.titan-embed-text-v2:0", text},
    {embeddings, schema::aws_bedrock, "cohere.embed-v4", texts},
    {embeddings, schema::gcp_vertex_ai, "text-embedding-005", texts},
    {embeddings, schema::gcp_vertex_ai, "gemini-embedding-2", text},
    {embeddings, schema::cohere, "embed-v4.0", texts},
    {rerank, schema::aws_bedrock, "cohere.rerank", ranked},
    {rerank, schema::openai, "m", ranked},
    {generic_rerank, schema::aws_bedrock, "amazon.rerank", ranked},
    {generic_rerank, schema::cohere, "m", ranked},
    {count_tokens, schema::aws_anthropic, "us.anthropic.claude", counted},
    {count_tokens, schema::aws_bedrock, "us.anthropic.claude", counted},
    {count_tokens, schema::gcp_anthropic, "claude@default", counted},
    {tokenize, schema::aws_bedrock, "m", R"({"prompt":"a"})"},
    {tokenize, schema::aws_anthropic, "m", R"({"prompt":"a"})"},
    {tokenize, schema::gcp_vertex_ai, "m", R"({"prompt":"a"})"},
    {completions, schema::aws_bedrock, "m", R"({"prompt":"a"})"},
};

}  // namespace

/// Any body is refused or becomes JSON, with names fit for a header field; any answer becomes JSON
/// or a refusal.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = fuzz::text_of(data, size);
  const auto which = fuzz::take_byte(bytes);
  const auto& [op, target, model, request] = pairs[which % std::size(pairs)];
  if (translate::find(op, target) == nullptr) return 0;
  translate::request_view view;
  view.op = op;
  view.model = model;
  translate::backend_view backend;
  backend.target_schema = target;
  backend.may_drop = which >= 128;

  view.body = bytes;
  if (const auto made = translate::find(op, target)->request(view, backend)) {
    fuzz::require(!codec::check_json(made->body.value()) && codec::is_utf8(*made->body));
    for (const auto& name : made->dropped)
      fuzz::require(name.find_first_of("\r\n :") == std::string::npos && name.size() <= 64);
  }

  view.body = request;
  const auto one = translate::find(op, target);
  fuzz::require(one->request(view, backend).has_value());
  codec::response_head head;
  head.status = size % 3 == 0 ? 429 : 200;
  one->head(head, {});
  if (const auto answer = one->whole(head, bytes))
    fuzz::require(!codec::check_json(answer->body) && codec::is_utf8(answer->body));
  return 0;
}
