// From one dialect to another and back: what both have words for is what it was.
#include <understudy/codec/json_scan.hpp>

#include "catch.hpp"
#include "golden.hpp"
#include "round_trip_generator.hpp"
#include "translate/messages_to_chat.hpp"

namespace understudy::translate_test {
namespace {

using translate::operation;
using translate::schema;

constexpr std::uint64_t seeds = 300;

/// The two directions between chats and messages; `extended` chats carry all of a message.
std::unique_ptr<translate::translator> chat_to_messages() {
  return translate::find(operation::chat_completions, schema::anthropic);
}
std::unique_ptr<translate::translator> messages_to_chat(bool is_extended = false) {
  return translate::make_messages_to_chat(is_extended ? translate::chat_dialect::extended
                                                      : translate::chat_dialect::plain);
}

json asked(translate::translator& one, const json& request, std::string_view target) {
  const auto body = request.dump();
  translate::request_view view;
  view.op = translate::operation_of(target);
  view.method = "POST";
  view.target = target;
  view.content_type = "application/json";
  view.body = body;
  view.model = "m";
  view.stream = request.value("stream", false);
  const auto made = one.request(view, {schema::openai, "v1", "", ""});
  if (made.has_error()) throw std::runtime_error{made.error().message};
  INFO(body);
  for (const auto& name : made->dropped) FAIL_CHECK(name);
  return json::parse(made->body.value());
}

constexpr std::string_view chat_path = "/v1/chat/completions";
constexpr std::string_view messages_path = "/anthropic/v1/messages";

codec::response_head head_of(std::string_view type) {
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", type);
  return head;
}

json answered(translate::translator& one, const json& answer) {
  const auto head = head_of("application/json");
  REQUIRE(one.head(head, golden_time).mode == translate::body_mode::whole);
  const auto made = one.whole(head, answer.dump());
  if (made.has_error()) throw std::runtime_error{made.error().message};
  return json::parse(made->body);
}

std::string streamed_through(translate::translator& one, std::string_view bytes, generator& make) {
  REQUIRE(one.head(head_of("text/event-stream"), golden_time).mode == translate::body_mode::stream);
  std::string out;
  while (!bytes.empty()) {
    const auto piece = std::string{bytes.substr(0, 1 + make.below(150))};
    bytes.remove_prefix(piece.size());
    if (!one.feed(piece, out)) throw std::runtime_error{"broken: " + out};
  }
  if (!one.finish(out)) throw std::runtime_error{"broken at its end: " + out};
  return out;
}

const json a_chat{
    {"model", "m"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"stop", {"END"}}};
const json a_message{
    {"model", "m"}, {"max_tokens", 9}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
json stream_of(json request) {
  request["stream"] = true;
  if (request.contains("stop")) request["stream_options"] = {{"include_usage", true}};
  return request;
}

TEST_CASE("a chat request is itself behind messages and back", "[round_trip]") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    generator make{seed};
    const auto request = random_chat_request(make);
    const auto between = asked(*chat_to_messages(), request, chat_path);
    const auto back = asked(*messages_to_chat(), between, messages_path);
    REQUIRE(chat_essence(back) == chat_essence(request));
  }
}

TEST_CASE("a messages request is itself behind a chat and back", "[round_trip]") {
  for (const bool is_extended : {false, true})
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      CAPTURE(seed, is_extended);
      generator make{seed};
      const auto request = random_messages_request(make, is_extended);
      const auto between = asked(*messages_to_chat(is_extended), request, messages_path);
      const auto back = asked(*chat_to_messages(), between, chat_path);
      REQUIRE(messages_essence(back) == messages_essence(request));
    }
}

TEST_CASE("a chat's answer is itself behind messages and back, whole and streamed",
          "[round_trip]") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    generator make{seed};
    const auto answer = random_chat_answer(make);
    CAPTURE(answer.dump());
    const auto to = messages_to_chat(), from = chat_to_messages();
    asked(*to, a_message, messages_path);
    asked(*from, a_chat, chat_path);
    const auto back = answered(*from, answered(*to, answer));
    REQUIRE(chat_answer_essence(back) == chat_answer_essence(answer));

    const auto to_stream = messages_to_chat(), from_stream = chat_to_messages();
    asked(*to_stream, stream_of(a_message), messages_path);
    asked(*from_stream, stream_of(a_chat), chat_path);
    const auto events = streamed_through(*to_stream, chat_stream_of(answer, make), make);
    const auto chunks = streamed_through(*from_stream, events, make);
    REQUIRE(chat_answer_essence(chat_answer_of_stream(chunks)) == chat_answer_essence(answer));
    CHECK(from_stream->usage().total == to_stream->usage().total);
  }
}

TEST_CASE("a message is itself behind a chat and back, whole and streamed", "[round_trip]") {
  for (const bool has_extras : {false, true})
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      CAPTURE(seed, has_extras);
      generator make{seed};
      const auto message = random_message(make, has_extras);
      CAPTURE(message.dump());
      const auto to = chat_to_messages(), from = messages_to_chat(has_extras);
      asked(*to, a_chat, chat_path);
      asked(*from, a_message, messages_path);
      REQUIRE(message_essence(answered(*from, answered(*to, message))) == message_essence(message));

      const auto to_stream = chat_to_messages(), from_stream = messages_to_chat(has_extras);
      asked(*to_stream, stream_of(a_chat), chat_path);
      asked(*from_stream, stream_of(a_message), messages_path);
      const auto chunks = streamed_through(*to_stream, message_stream_of(message, make), make);
      const auto events = streamed_through(*from_stream, chunks, make);
      REQUIRE(message_essence(message_of_stream(events)) == message_essence(message));
    }
}

/// Reranking: what vLLM and others have, and Cohere's v2.
json random_rerank(generator& make) {
  json out{{"model", "m"}, {"query", make.text()}, {"documents", json::array()}};
  for (auto more = 1 + make.below(5); more > 0; --more) out["documents"].push_back(make.text());
  if (make.maybe()) out["top_n"] = 1 + make.below(5);
  return out;
}

TEST_CASE("a rerank is itself behind the other dialect and back", "[round_trip]") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    generator make{seed};
    const auto request = random_rerank(make);
    const auto to = translate::find(operation::generic_rerank, schema::cohere);
    const auto from = translate::find(operation::rerank, schema::openai);
    const auto between = asked(*to, request, "/v1/rerank");
    REQUIRE(asked(*from, between, "/cohere/v2/rerank") == request);

    json answer{{"id", make.id("r-")}, {"results", json::array()}};
    for (std::size_t i = 0; i < request["documents"].size(); ++i)
      answer["results"].push_back({{"index", i}, {"relevance_score", 1.0 / (1.0 + double(i))}});
    answer["meta"] = {{"api_version", {{"version", "2"}}},
                      {"tokens", {{"input_tokens", make.below(100)}}}};
    REQUIRE(answered(*from, answered(*to, answer)) == answer);
  }
}

}  // namespace
}  // namespace understudy::translate_test
