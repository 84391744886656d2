#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>
#include <understudy/translate/request_features.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

using translate_test::check_golden_pair;

TEST_CASE("Cohere's rerank over other vendors", "[golden]") {
  constexpr std::string_view path = "/cohere/v2/rerank";
  check_golden_pair({operation::rerank, schema::aws_bedrock, "rerank/aws_bedrock", path, ""}, 16);
  check_golden_pair({operation::rerank, schema::openai, "rerank/openai", path, ""}, 13);
}

TEST_CASE("the common rerank over other vendors", "[golden]") {
  constexpr std::string_view path = "/v1/rerank";
  check_golden_pair(
      {operation::generic_rerank, schema::aws_bedrock, "generic_rerank/aws_bedrock", path, ""}, 13);
  check_golden_pair({operation::generic_rerank, schema::cohere, "generic_rerank/cohere", path, ""},
                    13);
}

TEST_CASE("counting for Anthropic's clients at the clouds", "[golden]") {
  constexpr std::string_view path = "/anthropic/v1/messages/count_tokens";
  constexpr auto op = operation::count_tokens;
  check_golden_pair({op, schema::aws_anthropic, "count_tokens/aws_anthropic", path, ""}, 14);
  check_golden_pair({op, schema::aws_bedrock, "count_tokens/aws_bedrock", path, ""}, 14);
  check_golden_pair({op, schema::gcp_anthropic, "count_tokens/gcp_anthropic", path, ""}, 13);
}

TEST_CASE("vLLM's tokenize over Bedrock", "[golden]") {
  check_golden_pair(
      {operation::tokenize, schema::aws_bedrock, "tokenize/aws_bedrock", "/tokenize", ""}, 16);
}

/// The pairs that go the way of a chat exist where the schema's chat does.
void check_by_chat(const translate_test::golden_pair& pair, std::size_t at_least) {
  if (find(operation::chat_completions, pair.target) == nullptr) return;
  check_golden_pair(pair, at_least);
}

TEST_CASE("vLLM's tokenize over Gemini", "[golden]") {
  check_by_chat(
      {operation::tokenize, schema::gcp_vertex_ai, "tokenize/gcp_vertex_ai", "/tokenize", ""}, 12);
}

TEST_CASE("vLLM's tokenize over Claude", "[golden]") {
  constexpr auto op = operation::tokenize;
  constexpr std::string_view path = "/tokenize";
  check_by_chat({op, schema::anthropic, "tokenize/anthropic", path, ""}, 12);
  check_by_chat({op, schema::aws_anthropic, "tokenize/aws_anthropic", path, ""}, 12);
  check_by_chat({op, schema::gcp_anthropic, "tokenize/gcp_anthropic", path, ""}, 12);
}

TEST_CASE("legacy completions over Claude", "[golden]") {
  check_by_chat(
      {operation::completions, schema::anthropic, "completions/anthropic", "/v1/completions", ""},
      37);
}

TEST_CASE("legacy completions over Converse", "[golden]") {
  translate_test::golden_pair pair{operation::completions, schema::aws_bedrock,
                                   "completions/aws_bedrock", "/v1/completions", ""};
  pair.stream_type = codec::event_stream_content_type;
  check_golden_pair(pair, 21);
}

/// What CountTokens is to run, of the base64 in the request.
nlohmann::json counted_body(schema target, const std::string& body, std::string_view version) {
  const auto one = find(operation::count_tokens, target);
  request_view view;
  view.body = body;
  view.model = "anthropic.claude-x";
  backend_view backend;
  backend.target_schema = target;
  backend.version = version;
  const auto made = one->request(view, backend);
  const auto request = nlohmann::json::parse(made->body.value());
  return nlohmann::json::parse(
      codec::base64_decode(request["input"]["invokeModel"]["body"].get<std::string>()).value());
}

TEST_CASE("Bedrock counts what it would run", "[counting]") {
  const std::string body = R"({"model":"m","stream":true,"messages":[]})";
  const nlohmann::json plain{{"messages", nlohmann::json::array()},
                             {"anthropic_version", "bedrock-2023-05-31"},
                             {"max_tokens", 1}};
  CHECK(counted_body(schema::aws_bedrock, body, "ignored") == plain);
  CHECK(counted_body(schema::aws_anthropic, body, "") == plain);
  auto newer = plain;
  newer["anthropic_version"] = "v9";
  CHECK(counted_body(schema::aws_anthropic, body, "v9") == newer);
  const std::string thinking =
      R"({"messages":[],"thinking":{"type":"enabled","budget_tokens":2048}})";
  CHECK(counted_body(schema::aws_bedrock, thinking, "")["max_tokens"] == 2049);
}

struct counting_row {
  schema target;
  const char* path;
  const char* answer;
};

TEST_CASE("tokenize goes the way of the schema's chat, where there is one", "[counting]") {
  const std::string body = R"({"model":"x.anthropic.claude@default","prompt":"hi"})";
  for (const auto& row :
       {counting_row{schema::aws_anthropic, "/model/anthropic.claude@default/count-tokens",
                     R"({"inputTokens":7})"},
        counting_row{schema::anthropic, "/v1/messages/count_tokens", R"({"input_tokens":7})"},
        counting_row{schema::gcp_anthropic, "publishers/anthropic/models/count-tokens:rawPredict",
                     R"({"input_tokens":7})"},
        counting_row{schema::gcp_vertex_ai,
                     "publishers/google/models/x.anthropic.claude@default:countTokens",
                     R"({"totalTokens":7})"}}) {
    CAPTURE(name(row.target));
    const auto one = find(operation::tokenize, row.target);
    CHECK((one != nullptr) == (find(operation::chat_completions, row.target) != nullptr));
    if (one == nullptr) continue;
    request_view view;
    view.body = body;
    view.model = "x.anthropic.claude@default";
    const auto made = one->request(view, {row.target, "v1", "", ""});
    REQUIRE(made.has_value());
    CHECK(made->target == row.path);
    const auto sent = nlohmann::json::parse(made->body.value());
    CHECK(sent.size() <= 4);
    if (row.target == schema::gcp_anthropic) CHECK(sent["model"] == "x.anthropic.claude");
    codec::response_head head;
    head.status = 200;
    const auto got = one->whole(head, row.answer);
    REQUIRE(got.has_value());
    CHECK(got->body == R"({"count":7,"max_model_len":0,"tokens":[]})");
  }
}

TEST_CASE("what a chat can't say of a completion", "[capabilities]") {
  const auto lost = [](std::string_view body) {
    const auto features = scan_features(operation::completions, body);
    return would_drop(*features, operation::completions, schema::aws_bedrock).value_or("");
  };
  CHECK(lost(R"({"prompt":"a","suffix":"","logprobs":null,"n":1})").empty());
  CHECK(lost(R"({"prompt":["a","b"]})") == "several prompts");
  CHECK(lost(R"({"prompt":"a","echo":true})") == "`echo`");
  CHECK(lost(R"({"prompt":"a","best_of":2})") == "several choices (`n`)");
  CHECK(lost(R"({"prompt":"a","logprobs":0})") == "log probabilities");
}

TEST_CASE("pairs that no provider has", "[registry]") {
  CHECK(find(operation::count_tokens, schema::openai) == nullptr);
  CHECK(find(operation::count_tokens, schema::gcp_vertex_ai) == nullptr);
  CHECK(find(operation::responses_input_tokens, schema::aws_bedrock) == nullptr);
  CHECK(find(operation::embeddings, schema::anthropic) == nullptr);
  CHECK(find(operation::embeddings, schema::aws_openai) == nullptr);
  CHECK(find(operation::rerank, schema::gcp_vertex_ai) == nullptr);
}

}  // namespace
}  // namespace understudy::translate
