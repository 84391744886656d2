#include <understudy/codec/event_stream.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

operation_set only_chat() {
  auto served = operation_set::none();
  served.insert(operation::chat_completions);
  return served;
}

TEST_CASE("responses over Bedrock Converse", "[golden][responses]") {
  translate_test::golden_pair pair{operation::responses, schema::aws_bedrock,
                                   "responses/aws_bedrock", "/v1/responses?x=y", ""};
  pair.stream_type = codec::event_stream_content_type;
  translate_test::check_golden_pair(pair, 20);
}

TEST_CASE("responses over a server that has chat completions only", "[golden][responses]") {
  translate_test::golden_pair pair{operation::responses, schema::openai, "responses/openai_chat",
                                   "/v1/responses", ""};
  pair.served = only_chat();
  translate_test::check_golden_pair(pair, 50);
}

TEST_CASE("what a backend serves decides the way", "[responses]") {
  using enum operation;
  const auto chat = only_chat();
  CHECK(upstream_operation(responses, schema::openai) == responses);
  CHECK(upstream_operation(responses, schema::openai, chat) == chat_completions);
  CHECK(upstream_operation(responses, schema::aws_bedrock) == chat_completions);
  CHECK(upstream_operation(messages, schema::anthropic) == messages);
  CHECK(upstream_operation(embeddings, schema::openai, chat) == embeddings);
  CHECK(find(chat_completions, schema::openai, chat) != nullptr);
  CHECK(find(responses, schema::openai, chat) != nullptr);
  CHECK(find(embeddings, schema::openai, chat) == nullptr);
  CHECK(find(responses_input_tokens, schema::openai, chat) == nullptr);
  CHECK(find(responses_input_tokens, schema::aws_bedrock) == nullptr);
  CHECK(find(responses, schema::cohere) == nullptr);
  CHECK(find(responses, schema::aws_bedrock, operation_set::none()) == nullptr);
  CHECK(operation_named("embeddings") == embeddings);
  CHECK(!operation_named("embedings"));
}

/// Until a schema has a chat, it has no responses either.
TEST_CASE("responses exist wherever a chat does", "[responses]") {
  for (const auto target :
       {schema::openai, schema::azure_openai, schema::aws_bedrock, schema::aws_anthropic,
        schema::anthropic, schema::gcp_vertex_ai, schema::gcp_anthropic, schema::cohere}) {
    CAPTURE(name(target));
    const bool has_chat = find(operation::chat_completions, target) != nullptr;
    CHECK((find(operation::responses, target) != nullptr) == has_chat);
  }
}

}  // namespace
}  // namespace understudy::translate
