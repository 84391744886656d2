#include <understudy/codec/event_stream.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

translate_test::golden_pair messages_pair(schema target, std::string_view folder) {
  return {operation::messages, target, folder, "/anthropic/v1/messages?x=y", "",
          "text/event-stream", {}};
}

TEST_CASE("messages over OpenAI chat", "[golden]") {
  translate_test::check_golden_pair(messages_pair(schema::openai, "messages/openai"), 60);
}

TEST_CASE("messages over Bedrock Converse", "[golden]") {
  auto pair = messages_pair(schema::aws_bedrock, "messages/aws_bedrock");
  pair.stream_type = codec::event_stream_content_type;
  translate_test::check_golden_pair(pair, 40);
}

TEST_CASE("messages over Claude on Bedrock", "[golden]") {
  auto pair = messages_pair(schema::aws_anthropic, "messages/aws_anthropic");
  pair.stream_type = codec::event_stream_content_type;
  pair.encode_sse = translate_test::claude_frames;
  translate_test::check_golden_pair(pair, 15);
}

TEST_CASE("messages over Claude on Vertex AI", "[golden]") {
  translate_test::check_golden_pair(messages_pair(schema::gcp_anthropic, "messages/gcp_anthropic"),
                                    12);
}

TEST_CASE("messages over Gemini on Vertex AI", "[golden]") {
  translate_test::check_golden_pair(messages_pair(schema::gcp_vertex_ai, "messages/gcp_vertex_ai"),
                                    19);
}

}  // namespace
}  // namespace understudy::translate
