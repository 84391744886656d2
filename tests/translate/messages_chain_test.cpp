// Messages by way of a chat, and what one pair makes of another's answers.
#include <understudy/codec/event_stream.hpp>
#include <understudy/translate/request_features.hpp>

#include "catch.hpp"
#include "golden.hpp"
#include "translate/messages_to_chat.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

request_view view_of_body(const std::string& body, bool is_stream) {
  request_view view;
  view.op = operation::messages;
  view.target = "/anthropic/v1/messages";
  view.content_type = "application/json";
  view.body = body;
  view.model = "m";
  view.stream = is_stream;
  return view;
}

std::unique_ptr<translator> chained_bedrock() {
  return make_messages_by_way_of_chat(
      make_chat_completions_openai_to_bedrock(operation::chat_completions));
}

nlohmann::json request_of(translator& one, const std::string& body, bool is_stream = false) {
  const auto made = one.request(view_of_body(body, is_stream), {schema::aws_bedrock, "", "", ""});
  if (made.has_error()) throw std::runtime_error{made.error().message};
  return nlohmann::json::parse(made->body.value());
}

const char* conversation = R"({"model":"m","max_tokens":9,"system":[{"type":"text","text":"A",
  "cache_control":{"type":"ephemeral"}}],"thinking":{"type":"enabled","budget_tokens":1024},
  "tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"messages":[
  {"role":"user","content":"Go"},{"role":"assistant","content":[
  {"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"eHg="},
  {"type":"text","text":"Well"},{"type":"tool_use","id":"c","name":"f","input":{"a":1}}]},
  {"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"ok"},
  {"type":"text","text":"More"}]}]})";

TEST_CASE("by way of a chat Bedrock gets what the direct way gives it", "[messages]") {
  const auto chained = chained_bedrock();
  const auto direct = find(operation::messages, schema::aws_bedrock);
  const auto got = request_of(*chained, conversation);
  const auto expected = request_of(*direct, conversation);
  CHECK(got["messages"] == expected["messages"]);
  CHECK(got["system"] == expected["system"]);
  CHECK(got["toolConfig"] == expected["toolConfig"]);
  CHECK(got["inferenceConfig"] == expected["inferenceConfig"]);
}

TEST_CASE("without a chat translator there is no pair by way of it", "[messages]") {
  CHECK(make_messages_by_way_of_chat(nullptr) == nullptr);
  const bool has_chat = find(operation::chat_completions, schema::gcp_vertex_ai) != nullptr;
  CHECK((find(operation::messages, schema::gcp_vertex_ai) != nullptr) == has_chat);
}

std::string stream_of(translator& one, std::string_view bytes, bool& is_whole) {
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", codec::event_stream_content_type);
  head.fields.add("x-amzn-requestid", "req-1");
  REQUIRE(one.head(head, translate_test::golden_time).mode == body_mode::stream);
  std::string out;
  is_whole = one.feed(bytes, out) && one.finish(out);
  if (!is_whole) one.abort("broken", out);
  return out;
}

TEST_CASE("both ways to Bedrock stream the same events", "[messages]") {
  for (const auto& c : translate_test::golden_cases("messages/aws_bedrock")) {
    if (!c.has("upstream.events.json") || c.name() == "stream_stop_sequence") continue;
    const auto name = c.name();
    CAPTURE(name);
    std::string bytes;
    for (const auto& event : nlohmann::json::parse(c.text("upstream.events.json"))) {
      if (event.is_object())
        codec::append_json_exception(bytes, event.at("exception").get<std::string>(),
                                     event.at("payload").dump());
      else
        codec::append_json_event(bytes, event.at(0).get<std::string>(), event.at(1).dump());
    }
    const auto one = chained_bedrock();
    request_view view = view_of_body(c.request, true);
    REQUIRE(one->request(view, {schema::aws_bedrock, "", "", ""}).has_value());
    bool is_whole = false;
    const auto out = stream_of(*one, bytes, is_whole);
    CHECK(is_whole == !c.knobs.value("broken", false));
    const auto events = translate_test::sse_events(out);
    CHECK(events.back()[0] == (is_whole ? "message_stop" : "error"));
    CHECK(out.find("[DONE]") == std::string::npos);
  }
}

TEST_CASE("the guard knows what messages lose elsewhere", "[messages]") {
  const auto lost = [](const char* body, schema upstream) {
    return would_drop(*scan_features(operation::messages, body), operation::messages, upstream);
  };
  const char* url = R"({"messages":[{"role":"user","content":[
    {"type":"image","source":{"type":"url","url":"https://example.com"}}]}]})";
  CHECK_FALSE(lost(url, schema::openai));
  CHECK(lost(url, schema::aws_bedrock) == "image URLs");
  const char* document = R"({"messages":[{"role":"user","content":[
    {"type":"document","source":{"type":"url","url":"https://example.com"}}]}]})";
  CHECK(lost(document, schema::openai) == "document URLs");
  CHECK(lost(document, schema::aws_bedrock) == "document URLs");
  const char* pdf = R"({"messages":[{"role":"user","content":[
    {"type":"document","source":{"type":"base64","data":"aGk="}}]}]})";
  CHECK_FALSE(lost(pdf, schema::openai));
  CHECK_FALSE(lost(pdf, schema::aws_bedrock));
  const char* search = R"({"messages":[],"tools":[{"type":"web_search_20250305","name":"w"}]})";
  CHECK(lost(search, schema::azure_openai) == "tools that are no functions");
  CHECK_FALSE(lost(search, schema::gcp_anthropic));
  const char* used = R"({"messages":[{"role":"assistant","content":[
    {"type":"server_tool_use","id":"s","name":"web_search","input":{}}]}]})";
  CHECK(lost(used, schema::openai) == "tools that are no functions");
  CHECK(lost(R"({"messages":[],"container":"c"})", schema::openai) == "containers");
}

TEST_CASE("a message's path at each OpenAI schema", "[messages]") {
  const std::string body = R"({"model":"m","messages":[]})";
  const auto target = [&](schema s, std::string_view version, std::string_view override) {
    backend_view backend{s, "", version, override};
    return find(operation::messages, s)->request(view_of_body(body, false), backend)->target;
  };
  CHECK(target(schema::openai, "", "") == "/v1/chat/completions");
  CHECK(target(schema::aws_openai, "", "") == "/openai/v1/chat/completions");
  CHECK(target(schema::azure_openai, "2025-01-01", "a/b") ==
        "/openai/deployments/a%2Fb/chat/completions?api-version=2025-01-01");
}

}  // namespace
}  // namespace understudy::translate
