#include <understudy/codec/event_stream.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

TEST_CASE("chat completions over Bedrock Converse", "[golden]") {
  translate_test::golden_pair pair{operation::chat_completions, schema::aws_bedrock,
                                   "chat_completions/aws_bedrock", "/v1/chat/completions?x=y", ""};
  pair.stream_type = codec::event_stream_content_type;
  translate_test::check_golden_pair(pair, 60);
}

TEST_CASE("schemas reach the model with their members in order", "[bedrock]") {
  for (const auto& c : translate_test::golden_cases("chat_completions/aws_bedrock")) {
    if (c.name() != "tools") continue;
    const auto one = find(operation::chat_completions, schema::aws_bedrock);
    request_view view;
    view.body = c.request;
    view.model = "m";
    const auto made = one->request(view, {schema::aws_bedrock, "", "", ""});
    CHECK(made->body->find(R"({"zone":{"type":"string"},"city":)") != std::string::npos);
  }
}

TEST_CASE("a stream that the proxy breaks off ends in an error", "[bedrock]") {
  const auto one = find(operation::chat_completions, schema::aws_bedrock);
  const std::string body = R"({"model":"m","stream":true,"messages":[]})";
  request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  REQUIRE(one->request(view, {schema::aws_bedrock, "", "", ""}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", codec::event_stream_content_type);
  REQUIRE(one->head(head, translate_test::golden_time).mode == body_mode::stream);
  std::string bytes, out;
  codec::append_json_event(bytes, "messageStart", R"({"role":"assistant"})");
  REQUIRE(one->feed(bytes, out));
  out.clear();
  one->abort("all 2 \"backends\" failed", out);
  CHECK(translate_test::sse_payloads(out).at(0)["error"]["message"] == "all 2 \"backends\" failed");
  CHECK(out.find("[DONE]") == std::string::npos);
  CHECK(!one->feed(bytes, out));
  CHECK(!one->finish(out));
}

TEST_CASE("a model's name cannot leave its path segment", "[bedrock]") {
  const std::string body = R"({"messages":[]})";
  for (const char* model : {"", ".", ".."}) {
    request_view view;
    view.body = body;
    view.model = model;
    const auto one = find(operation::chat_completions, schema::aws_bedrock);
    CHECK(one->request(view, {schema::aws_bedrock, "", "", ""}).has_error());
  }
  request_view view;
  view.body = body;
  view.model = "../../x?y#z";
  const auto one = find(operation::chat_completions, schema::aws_bedrock);
  const auto got = one->request(view, {schema::aws_bedrock, "", "", ""});
  REQUIRE(got.has_value());
  CHECK(got->target == "/model/..%2F..%2Fx%3Fy%23z/converse");
}

}  // namespace
}  // namespace understudy::translate
