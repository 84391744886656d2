#include <array>

#include <understudy/codec/event_stream.hpp>
#include <understudy/translate/answer_watch.hpp>
#include <understudy/translate/request_features.hpp>
#include <understudy/translate/stream_resume.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

using translate_test::golden_pair;

golden_pair chat_pair(schema target, std::string_view folder) {
  return {operation::chat_completions, target, folder, "/v1/chat/completions?x=y", ""};
}

TEST_CASE("chat completions over Anthropic", "[golden]") {
  translate_test::check_golden_pair(chat_pair(schema::anthropic, "chat_completions/anthropic"), 60);
}

TEST_CASE("chat completions over Anthropic on Vertex AI", "[golden]") {
  translate_test::check_golden_pair(
      chat_pair(schema::gcp_anthropic, "chat_completions/gcp_anthropic"), 12);
}

TEST_CASE("chat completions over Anthropic on Bedrock", "[golden]") {
  auto pair = chat_pair(schema::aws_anthropic, "chat_completions/aws_anthropic");
  pair.stream_type = codec::event_stream_content_type;
  pair.encode_sse = translate_test::claude_frames;
  translate_test::check_golden_pair(pair, 12);
}

struct exchange {
  std::unique_ptr<translator> one;
  base::result<upstream_request, refusal> made;
};

exchange ask(schema target, std::string_view body, std::string_view model = "claude-sonnet-4-5") {
  auto one = find(operation::chat_completions, target);
  request_view view;
  view.body = body;
  view.model = model;
  view.stream = body.find(R"("stream":true)") != std::string_view::npos;
  auto made = one->request(view, {target, "v1", "", ""});
  return {std::move(one), std::move(made)};
}

constexpr std::array three{schema::anthropic, schema::gcp_anthropic, schema::aws_anthropic};

TEST_CASE("a stream of Claude that the proxy breaks off ends in an error", "[anthropic]") {
  for (const auto target : three) {
    CAPTURE(name(target));
    const auto asked = ask(target, R"({"stream":true,"messages":[]})");
    REQUIRE(asked.made.has_value());
    codec::response_head head;
    head.status = 200;
    const bool is_aws = target == schema::aws_anthropic;
    head.fields.add("content-type",
                    is_aws ? codec::event_stream_content_type : "text/event-stream");
    REQUIRE(asked.one->head(head, translate_test::golden_time).mode == body_mode::stream);
    const std::string event = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n";
    const auto bytes = is_aws ? translate_test::claude_frames(event) : event;
    std::string out;
    REQUIRE(asked.one->feed(bytes, out));
    out.clear();
    asked.one->abort("all 2 \"backends\" failed", out);
    CHECK(translate_test::sse_payloads(out).at(0)["error"]["message"] ==
          "all 2 \"backends\" failed");
    CHECK(!asked.one->feed(bytes, out));
    CHECK(!asked.one->finish(out));
    CHECK(out.find("[DONE]") == std::string::npos);
  }
}

TEST_CASE("a model's name cannot leave its path segment on the way to Claude", "[anthropic]") {
  const std::string body = R"({"messages":[]})";
  for (const auto target : three)
    for (const char* model : {"", ".", ".."}) CHECK(ask(target, body, model).made.has_error());
  CHECK(ask(schema::aws_anthropic, body, "../x?y").made->target == "/model/..%2Fx%3Fy/invoke");
  CHECK(ask(schema::gcp_anthropic, body, "../x?y").made->target ==
        "publishers/anthropic/models/..%2Fx%3Fy:rawPredict");
  CHECK(ask(schema::anthropic, body, "../x?y").made->target == "/v1/messages");
}

TEST_CASE("the client's or the backend's version of Anthropic's API", "[anthropic]") {
  const auto version = [](const char* client, std::string_view backend) {
    codec::field_list fields;
    if (client != nullptr) fields.add("Anthropic-Version", client);
    request_view view;
    view.body = R"({"messages":[]})";
    view.model = "m";
    view.fields = &fields;
    const auto one = find(operation::chat_completions, schema::anthropic);
    const auto made = one->request(view, {schema::anthropic, "v1", backend, ""});
    for (const auto& f : made->set)
      if (f.name == "anthropic-version") return f.value;
    return std::string{};
  };
  CHECK(version(nullptr, "") == "2023-06-01");
  CHECK(version(nullptr, "2027-01-01") == "2027-01-01");
  CHECK(version("2024-01-01", "").empty());
}

/// What is left out of a request with everything that depends on the model.
std::vector<std::string> dropped_for(std::string_view model) {
  auto asked = ask(schema::anthropic,
                   R"({"messages":[],"temperature":0.5,"top_p":0.9,"top_k":5,
                       "reasoning_effort":"high"})",
                   model);
  return asked.made->dropped;
}

TEST_CASE("what a model of Claude takes goes by its version", "[anthropic]") {
  using names = std::vector<std::string>;
  const names none{"temperature", "top_p", "top_k"};
  for (const char* model : {"claude-opus-4-7", "claude-sonnet-5", "claude-fable-5-1",
                            "claude-haiku-5-5", "us.anthropic.claude-opus-5-20260724-v1:0"}) {
    CAPTURE(model);
    CHECK(dropped_for(model) == none);
  }
  for (const char* model : {"claude-opus-4-5@20251101", "claude-sonnet-4-6", "CLAUDE-OPUS-4.6"})
    CHECK(dropped_for(model) == names{"top_p"});
  for (const char* model : {"claude-sonnet-4-5-20250929", "claude-haiku-4-5", "claude-opus-4-1"})
    CHECK(dropped_for(model) == names{"top_p", "reasoning_effort"});
  for (const char* model : {"claude-opus-4-20250514", "claude-3-5-sonnet-20241022",
                            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x", "opus"})
    CHECK(dropped_for(model) == names{"reasoning_effort"});
}

TEST_CASE("names of members that the client makes up are plain in the report", "[anthropic]") {
  std::string body = R"({"messages":[],"a\r\nb: c":1)";
  for (int i = 0; i < 100; ++i) body += ",\"x" + std::to_string(i) + "\":1";
  const auto asked = ask(schema::anthropic, body + "}");
  CHECK(asked.made->dropped.size() == 32);
  CHECK(asked.made->dropped.front() == "a__b__c");
}

TEST_CASE("what Claude can't carry is known before it is asked", "[anthropic]") {
  const auto lost = [](schema target, std::string_view body) {
    return would_drop(*scan_features(operation::chat_completions, body),
                      operation::chat_completions, target)
        .value_or("");
  };
  const std::string_view url =
      R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://a"}}]}]})";
  CHECK(lost(schema::anthropic, url).empty());
  CHECK(lost(schema::gcp_anthropic, url) == "image URLs");
  CHECK(lost(schema::aws_anthropic, url) == "image URLs");
  for (const auto target : three) {
    CHECK(lost(target, R"({"n":2})") == "several choices (`n`)");
    CHECK(lost(target, R"({"logprobs":true})") == "log probabilities");
    CHECK(lost(target, R"({"tools":[{"type":"custom"}]})") == "tools that are no functions");
    CHECK(lost(target, R"({"seed":1,"user":"u","reasoning_effort":"high"})").empty());
  }
}

/// The watch over the upstream's bytes and the translator must agree: what one takes for whole the
/// other may not end with an error.
TEST_CASE("the watch judges Claude's streams as the translator does", "[anthropic]") {
  for (const auto target : {schema::anthropic, schema::aws_anthropic}) {
    const bool is_aws = target == schema::aws_anthropic;
    codec::response_head head;
    head.status = 200;
    head.fields.add("content-type",
                    is_aws ? codec::event_stream_content_type : "text/event-stream");
    for (const auto& c : translate_test::golden_cases("chat_completions/anthropic")) {
      if (!c.has("upstream.sse") || c.knobs.contains("headers")) continue;
      const auto case_name = c.name();
      CAPTURE(name(target), case_name);
      const auto sse = c.text("upstream.sse");
      const auto bytes = is_aws ? translate_test::claude_frames(sse) : sse;
      answer_watch watch;
      watch.begin(operation::chat_completions, target, true, head);
      watch.feed(bytes);
      watch.finish();

      const auto asked = ask(target, R"({"stream":true,"messages":[]})");
      REQUIRE(asked.one->head(head, translate_test::golden_time).mode == body_mode::stream);
      std::string out;
      const bool is_whole = asked.one->feed(bytes, out) && asked.one->finish(out);
      CHECK((watch.stage() == answer_stage::finished) == is_whole);
    }
  }
}

TEST_CASE("an answer of Claude's goes on behind its begin", "[anthropic]") {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"Count"}]})";
  const auto features = scan_features(operation::chat_completions, body);
  for (const auto target : three) {
    const auto style = assistant_prefix_of(target, "claude-sonnet-4-5");
    REQUIRE(style == assistant_prefix::plain);
    const auto more =
        continue_request(operation::chat_completions, *features, body, "One, two, ", style);
    REQUIRE(more.has_value());
    CHECK(more->trimmed_bytes == 1);
    const auto asked = ask(target, more->body);
    const auto messages = nlohmann::json::parse(*asked.made->body)["messages"];
    CHECK(messages.back()["role"] == "assistant");
    CHECK(messages.back()["content"][0]["text"] == "One, two,");
    CHECK(asked.made->dropped.empty());
  }
}

}  // namespace
}  // namespace understudy::translate
