#include <understudy/translate/answer_watch.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::translate {
namespace {

struct identity_row {
  operation op;
  schema upstream;
  bool is_stream;
  std::string type, body;
  std::string model, id;
};

std::string sse_of(const std::vector<std::string>& events) {
  std::string out;
  for (const auto& e : events) out += "data: " + e + "\n\n";
  return out;
}

const std::string events_type = "text/event-stream";
const std::string json_type = "application/json";

const std::vector<identity_row> identity_rows = {
    {operation::chat_completions, schema::openai, true, events_type,
     sse_of(
         {R"({"id":"chatcmpl-1","model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":"a"}}]})",
          R"({"id":"other","model":"late","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
          "[DONE]"}),
     "gpt-4o-2024", "chatcmpl-1"},
    {operation::chat_completions, schema::openai, false, json_type,
     R"({"id":"chatcmpl-2","choices":[{"index":0,"message":{"content":"a","model":"no"}}],"model":"gpt"})",
     "gpt", "chatcmpl-2"},
    {operation::messages, schema::anthropic, true, events_type,
     sse_of(
         {R"({"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":1}}})",
          R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})",
          R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})",
          R"({"type":"message_stop"})"}),
     "claude-x", "msg_1"},
    {operation::messages, schema::anthropic, false, json_type,
     R"({"id":"msg_2","type":"message","model":"claude-y","content":[{"type":"text","text":"a"}]})",
     "claude-y", "msg_2"},
    {operation::responses, schema::openai, true, events_type,
     sse_of({R"({"type":"response.created","response":{"id":"resp_1","model":"gpt-5"}})",
             R"({"type":"response.output_text.delta","delta":"a"})",
             R"({"type":"response.completed","response":{"id":"resp_1","model":"gpt-5"}})"}),
     "gpt-5", "resp_1"},
    {operation::chat_completions, schema::gcp_vertex_ai, true, events_type,
     sse_of(
         {R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"modelVersion":"gemini-2","responseId":"r1"})"}),
     "gemini-2", "r1"},
    {operation::chat_completions, schema::gcp_vertex_ai, false, json_type,
     R"({"candidates":[{"content":{"parts":[{"text":"a"}]}}],"modelVersion":"gemini-2","responseId":"r2"})",
     "gemini-2", "r2"},
    {operation::embeddings, schema::openai, false, json_type,
     R"({"object":"list","data":[{"embedding":[1]}],"model":"e"})", "e", ""},
    // Nothing, or nothing that is text.
    {operation::chat_completions, schema::openai, false, json_type,
     R"({"choices":[{"index":0,"message":{"content":"a"}}],"model":7,"id":null})", "", ""},
    {operation::chat_completions, schema::aws_bedrock, false, json_type,
     R"({"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn"})", "", ""},
};

TEST_CASE("an answer's own names of its model and itself are seen, however it is cut") {
  for (const auto& r : identity_rows)
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, r.body.size()}) {
      INFO(r.body << " cut at " << cut);
      codec::response_head head;
      head.status = 200;
      head.fields.add("content-type", r.type);
      answer_watch watch;
      watch.begin(r.op, r.upstream, r.is_stream, head);
      if (cut == r.body.size() && !r.is_stream) {
        watch.feed_whole(r.body);
      } else {
        for (std::size_t at = 0; at < r.body.size(); at += cut)
          watch.feed(std::string_view{r.body}.substr(at, cut));
        watch.finish();
      }
      CHECK(watch.model() == r.model);
      CHECK(watch.response_id() == r.id);
      watch.begin(r.op, r.upstream, r.is_stream, head);
      CHECK(watch.model().empty());
    }
}

TEST_CASE("a name of a thousand bytes is kept in part") {
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", "application/json");
  answer_watch watch;
  watch.begin(operation::chat_completions, schema::openai, false, head);
  watch.feed_whole(R"({"choices":[{"index":0,"message":{"content":"a"}}],"model":")" +
                   std::string(1000, 'm') + R"("})");
  CHECK(watch.model() == std::string(96, 'm'));
}

}  // namespace
}  // namespace understudy::translate
