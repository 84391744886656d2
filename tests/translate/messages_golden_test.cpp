#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

translate_test::golden_pair pair_of(schema target, std::string_view folder) {
  return {operation::messages, target, folder, "/anthropic/v1/messages?x=y", "",
          "text/event-stream", {}};
}

/// Each event in a frame, as Bedrock sends Claude's.
std::string in_frames(const std::string& sse) {
  std::string out;
  for (std::size_t at = sse.find("data: "); at != std::string::npos; at = sse.find("data: ", at)) {
    at += 6;
    const auto data = sse.substr(at, sse.find('\n', at) - at);
    codec::append_json_event(out, "chunk", R"({"bytes":")" + codec::base64_encode(data) + R"("})");
  }
  return out;
}

TEST_CASE("messages over OpenAI chat", "[golden]") {
  translate_test::check_golden_pair(pair_of(schema::openai, "messages/openai"), 60);
}

TEST_CASE("messages over Bedrock Converse", "[golden]") {
  auto pair = pair_of(schema::aws_bedrock, "messages/aws_bedrock");
  pair.stream_type = codec::event_stream_content_type;
  translate_test::check_golden_pair(pair, 40);
}

TEST_CASE("messages over Claude on Bedrock", "[golden]") {
  auto pair = pair_of(schema::aws_anthropic, "messages/aws_anthropic");
  pair.stream_type = codec::event_stream_content_type;
  pair.encode_sse = in_frames;
  translate_test::check_golden_pair(pair, 15);
}

TEST_CASE("messages over Claude on Vertex AI", "[golden]") {
  translate_test::check_golden_pair(pair_of(schema::gcp_anthropic, "messages/gcp_anthropic"), 12);
}

}  // namespace
}  // namespace understudy::translate
