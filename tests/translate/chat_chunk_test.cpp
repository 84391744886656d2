#include "translate/chat_chunk.hpp"

#include "catch.hpp"
#include "translate/converse_delta.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

TEST_CASE("a chat chunk is read as it is written", "[chat_chunk]") {
  chat_chunk chunk;
  REQUIRE(
      chunk.read(R"( {"id":"a\"b","model":null,"created":7,"service_tier":"default","error":null,
    "choices":[{"index":0,"delta":{"role":"assistant","content":"x\n","reasoning_content":"",
    "reasoning":"r","refusal":null,"tool_calls":[1]},"logprobs":{"content":[]},
    "finish_reason":"stop","stop_reason":3},{"index":1,"delta":{"content":"y"}}],"usage":{}} )"));
  CHECK(chunk.id == R"("a\"b")");
  CHECK(chunk.model == "null");
  CHECK(chunk.created == "7");
  CHECK(chunk.service_tier == R"("default")");
  CHECK(chunk.usage == "{}");
  CHECK(chunk.error.empty());
  CHECK(chunk.choices.starts_with("[{\"index\":0"));
  CHECK(chunk.choices.ends_with("\"y\"}}]"));
  const auto& choice = chunk.first_choice;
  CHECK(choice.is_there);
  CHECK(choice.index == "0");
  CHECK(choice.logprobs == R"({"content":[]})");
  CHECK(choice.finish_reason == R"("stop")");
  CHECK(choice.stop_reason.empty());
  CHECK(choice.delta.content == R"("x\n")");
  CHECK(choice.delta.thought() == R"("r")");
  CHECK(choice.delta.tool_calls == "[1]");
  CHECK(text_of_raw(choice.delta.refusal).empty());
}

TEST_CASE("what is no chat chunk has no members", "[chat_chunk]") {
  struct row {
    std::string_view text;
    bool is_whole;
  };
  const row rows[] = {{"[1,2]", true},
                      {"7", true},
                      {R"({"choices":5,"usage":null})", true},
                      {R"({"choices":[7,{"delta":{"content":"x"}}]})", true},
                      {"", false},
                      {R"({"id":)", false},
                      {R"({"choices":[{"delta":{"content":"x"}])", false},
                      {R"({"choices":[]} {})", false}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    chat_chunk chunk;
    CHECK(chunk.read(row.text) == row.is_whole);
    if (row.is_whole) CHECK((chunk.usage.empty() && !chunk.first_choice.is_there));
  }
}

TEST_CASE("an error of a chunk is anything but null", "[chat_chunk]") {
  chat_chunk chunk;
  CHECK(chunk.read(R"({"error":null,"error":{"message":"m"},"error":"e"})"));
  CHECK(chunk.error == R"({"message":"m"})");
}

TEST_CASE("of two members of one name the last counts", "[chat_chunk]") {
  chat_chunk chunk;
  CHECK(chunk.read(
      R"({"choices":[{"delta":{"content":"a","refusal":"r"},"delta":{"content":"b"}}]})"));
  CHECK(chunk.first_choice.delta.content == R"("b")");
  CHECK(chunk.first_choice.delta.refusal.empty());
  converse_delta delta;
  CHECK(delta.read(
      R"({"contentBlockIndex":2,"delta":{"text":"a"},"delta":{"toolUse":{"input":"i"}}})"));
  CHECK(delta.block == "2");
  CHECK(delta.text.empty());
  CHECK(delta.tool_input == R"("i")");
}

TEST_CASE("an element of tool_calls tells what it holds", "[chat_chunk]") {
  codec::json_cursor at{R"([{"index":3,"id":"c","function":{"name":"f","arguments":""}},5])"};
  REQUIRE(at.enter());
  chat_call_delta call;
  REQUIRE(at.next());
  call.read(at);
  CHECK(call.is_object);
  CHECK(call.index == "3");
  CHECK(call.id == R"("c")");
  CHECK(call.name == R"("f")");
  CHECK(call.arguments.empty());
  REQUIRE(at.next());
  call.read(at);
  CHECK(!call.is_object);
  CHECK(call.id.empty());
  CHECK(!at.next());
  CHECK(at.finish());
}

}  // namespace
}  // namespace understudy::translate
