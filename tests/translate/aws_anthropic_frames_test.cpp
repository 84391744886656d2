#include "translate/aws_anthropic_frames.hpp"

#include <array>
#include <string>
#include <vector>

#include <understudy/codec/text.hpp>

#include "catch.hpp"

namespace understudy::translate {
namespace {

using step = aws_anthropic_frames::step;

std::string chunk(std::string_view event) {
  std::string out;
  codec::append_json_event(out, "chunk",
                           R"({"bytes":")" + codec::base64_encode(event) + R"(","p":"abc"})");
  return out;
}

struct unpacked {
  std::vector<std::string> events;
  bool has_failed = false;
};

unpacked run(aws_anthropic_frames& frames, std::string_view bytes, std::size_t piece) {
  unpacked got;
  while (!bytes.empty() && !got.has_failed) {
    auto some = bytes.substr(0, piece);
    bytes.remove_prefix(some.size());
    for (std::string_view json;;) {
      const auto at = frames.next(some, json);
      got.has_failed = at == step::failed;
      if (at != step::event) break;
      got.events.emplace_back(json);
    }
  }
  return got;
}

TEST_CASE("frames of Bedrock hold Anthropic's events", "[aws_anthropic]") {
  std::string bytes = chunk(R"({"type":"ping"})");
  codec::append_json_event(bytes, "something-new", "{}");
  bytes += chunk(R"({"type":"message_stop"})");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    CAPTURE(piece);
    aws_anthropic_frames frames;
    const auto got = run(frames, bytes, piece);
    CHECK(got.events ==
          std::vector<std::string>{R"({"type":"ping"})", R"({"type":"message_stop"})"});
    CHECK_FALSE(got.has_failed);
    CHECK(frames.is_between_events());
  }
  aws_anthropic_frames frames;
  run(frames, std::string_view{bytes}.substr(0, bytes.size() - 1), 3);
  CHECK_FALSE(frames.is_between_events());
}

TEST_CASE("what is no event of Anthropic ends the frames", "[aws_anthropic]") {
  struct row {
    std::string bytes, type, words;
  };
  std::string exception, silent, error, no_bytes, no_base64, no_json;
  codec::append_json_exception(exception, "throttlingException", R"({"message":"slow \"down\""})");
  codec::append_json_exception(silent, "modelStreamErrorException", "not JSON");
  const std::array<codec::event_header, 3> headers{
      {{":message-type", codec::event_header_type::string, "error", 0},
       {":error-code", codec::event_header_type::string, "Internal", 0},
       {":error-message", codec::event_header_type::string, "broken", 0}}};
  codec::append_event_message(error, headers, {});
  codec::append_json_event(no_bytes, "chunk", R"({"bytes":5})");
  codec::append_json_event(no_base64, "chunk", R"({"bytes":"%%%"})");
  codec::append_json_event(no_json, "chunk", "{");
  auto bad_checksum = chunk("{}");
  bad_checksum.back() = static_cast<char>(bad_checksum.back() ^ 1);
  const std::vector<row> rows{
      {exception, "throttlingException", "slow \"down\""},
      {silent, "modelStreamErrorException", "with an exception"},
      {error, "Internal", "broken"},
      {no_bytes, "", "holds no event"},
      {no_base64, "", "holds no event"},
      {no_json, "", "malformed frame"},
      {chunk("{\"type\":"), "", "malformed event"},
      {bad_checksum, "", "checksum"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.words);
    aws_anthropic_frames frames;
    const auto got = run(frames, chunk("{}") + r.bytes + chunk("{}"), 11);
    CHECK(got.events.size() == 1);
    CHECK(got.has_failed);
    CHECK(frames.error_type() == r.type);
    CHECK(frames.error().find(r.words) != std::string::npos);
    std::string_view more, json;
    CHECK(frames.next(more, json) == step::failed);
  }
}

}  // namespace
}  // namespace understudy::translate
