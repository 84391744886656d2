#include <understudy/translate/request_features.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

std::unique_ptr<translator> gemini() {
  return find(operation::chat_completions, schema::gcp_vertex_ai);
}

TEST_CASE("chat completions over Gemini on Vertex AI", "[golden]") {
  const translate_test::golden_pair pair{operation::chat_completions, schema::gcp_vertex_ai,
                                         "chat_completions/gcp_vertex_ai",
                                         "/v1/chat/completions?x=y", ""};
  translate_test::check_golden_pair(pair, 120);
}

TEST_CASE("a Gemini stream that the proxy breaks off ends in an error", "[gemini]") {
  const auto one = gemini();
  const std::string body = R"({"model":"m","stream":true,"messages":[]})";
  request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  REQUIRE(one->request(view, {schema::gcp_vertex_ai, "", "", ""}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", "text/event-stream; charset=UTF-8");
  REQUIRE(one->head(head, translate_test::golden_time).mode == body_mode::stream);
  const std::string bytes =
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n";
  std::string out;
  REQUIRE(one->feed(bytes, out));
  out.clear();
  one->abort("all 2 \"backends\" failed", out);
  CHECK(translate_test::sse_payloads(out).at(0)["error"]["message"] == "all 2 \"backends\" failed");
  CHECK(out.find("[DONE]") == std::string::npos);
  CHECK(!one->feed(bytes, out));
  CHECK(!one->finish(out));
}

TEST_CASE("a Gemini model's name cannot leave its path segment", "[gemini]") {
  const std::string body = R"({"messages":[]})";
  for (const char* model : {"", ".", ".."}) {
    request_view view;
    view.body = body;
    view.model = model;
    CHECK(gemini()->request(view, {schema::gcp_vertex_ai, "", "", ""}).has_error());
  }
}

TEST_CASE("what goes into a response field is no client's text", "[gemini]") {
  const std::string body = R"({"messages":[],"a\r\nb: c":1,"x y":1,"fine_one":1})";
  request_view view;
  view.body = body;
  view.model = "m";
  const auto got = gemini()->request(view, {schema::gcp_vertex_ai, "", "", ""});
  REQUIRE(got.has_value());
  CHECK(got->dropped == std::vector<std::string>{"fine_one"});
}

TEST_CASE("what Gemini can't carry", "[gemini]") {
  const auto lost = [](const char* body) {
    const auto features = scan_features(operation::chat_completions, body);
    REQUIRE(features);
    return would_drop(*features, operation::chat_completions, schema::gcp_vertex_ai);
  };
  CHECK(!lost(R"({"n":8,"logprobs":true,"web_search_options":{},"messages":[{"role":"user",
    "content":[{"type":"image_url","image_url":{"url":"https://x"}},{"type":"input_audio"},
    {"type":"file"}]}],"tools":[{"type":"function"},{"type":"google_search"}]})"));
  CHECK(lost(R"({"n":9})"));
  CHECK(lost(R"({"modalities":["text","audio"]})"));
  CHECK(lost(R"({"functions":[{"name":"f"}]})"));
  CHECK(lost(R"({"tools":[{"type":"google_search"},{"type":"mcp"}]})"));
  CHECK(lost(R"({"messages":[{"role":"user","content":[{"type":"hologram"}]}]})"));
}

}  // namespace
}  // namespace understudy::translate
