#include <understudy/translate/answer_watch.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::translate {
namespace {

struct reason_row {
  operation op;
  schema upstream;
  bool is_stream;
  std::string body;
  std::vector<std::string> reasons;
};

std::string sse_of(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& data : all) out += "data: " + data + "\n\n";
  return out;
}

const std::vector<reason_row> reason_rows = {
    {operation::chat_completions,
     schema::openai,
     true,
     sse_of(
         {R"({"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]})",
          R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"}]})",
          R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})", "[DONE]"}),
     {"stop", "length"}},
    {operation::chat_completions,
     schema::openai,
     false,
     R"({"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"tool_calls"},
                    {"message":{"content":"b"},"finish_reason":"stop"}]})",
     {"tool_calls", "stop"}},
    {operation::chat_completions,
     schema::openai,
     false,
     R"({"choices":[{"index":0,"message":{"content":"a","stop_reason":"no"},"finish_reason":null}]})",
     {}},
    {operation::completions,
     schema::openai,
     false,
     R"({"choices":[{"index":0,"text":"a","finish_reason":"length"}]})",
     {"length"}},
    {operation::messages,
     schema::anthropic,
     true,
     sse_of({R"({"type":"message_start","message":{"id":"msg_1","model":"c","stop_reason":null}})",
             R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})",
             R"({"type":"message_delta","delta":{"stop_reason":"max_tokens"}})",
             R"({"type":"message_stop"})"}),
     {"max_tokens"}},
    {operation::messages,
     schema::anthropic,
     false,
     R"({"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"})",
     {"end_turn"}},
    {operation::responses,
     schema::openai,
     true,
     sse_of({R"({"type":"response.output_text.delta","delta":"a"})",
             R"({"type":"response.completed","response":{"id":"r","status":"completed"}})"}),
     {"completed"}},
    {operation::responses,
     schema::openai,
     true,
     sse_of(
         {R"({"type":"response.output_text.delta","delta":"a"})",
          R"({"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}})"}),
     {"max_output_tokens"}},
    {operation::responses,
     schema::openai,
     false,
     R"({"status":"completed","output":[{"type":"message"}],"incomplete_details":null})",
     {"completed"}},
    {operation::responses,
     schema::openai,
     false,
     R"({"status":"incomplete","output":[{"type":"message"}],"incomplete_details":{"reason":"content_filter"}})",
     {"content_filter"}},
    {operation::chat_completions,
     schema::gcp_vertex_ai,
     true,
     sse_of({R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]})"}),
     {"STOP"}},
    {operation::chat_completions,
     schema::gcp_vertex_ai,
     false,
     R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"MAX_TOKENS"}]})",
     {"MAX_TOKENS"}},
    {operation::chat_completions,
     schema::aws_bedrock,
     false,
     R"({"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn"})",
     {"end_turn"}},
    {operation::embeddings,
     schema::openai,
     false,
     R"({"object":"list","data":[{"embedding":[1]}],"status":"completed"})",
     {}},
    {operation::chat_completions,
     schema::openai,
     false,
     R"({"choices":[7,{"index":99,"finish_reason":"stop"},{"index":1,"finish_reason":")" +
         std::string(1000, 'x') + R"("}]})",
     {"", std::string(64, 'x')}},
};

std::vector<std::string> reasons_of(answer_watch& watch, const reason_row& r, std::size_t cut) {
  if (cut == r.body.size()) {
    watch.feed_whole(r.body);
  } else {
    for (std::size_t at = 0; at < r.body.size(); at += cut)
      watch.feed(std::string_view{r.body}.substr(at, cut));
    watch.finish();
  }
  const auto found = watch.finish_reasons();
  return {found.begin(), found.end()};
}

TEST_CASE("why the model stopped is kept where it is asked for, however the answer is cut") {
  for (const auto& r : reason_rows)
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, r.body.size()}) {
      INFO(r.body << " cut at " << cut);
      codec::response_head head;
      head.status = 200;
      head.fields.add("content-type", r.is_stream ? "text/event-stream" : "application/json");
      answer_watch watch;
      watch.begin(r.op, r.upstream, r.is_stream, head);
      watch.keep_finish_reasons();
      CHECK(reasons_of(watch, r, cut) == r.reasons);
      // Not beyond the one answer.
      watch.begin(r.op, r.upstream, r.is_stream, head);
      CHECK(reasons_of(watch, r, cut).empty());
    }
}

}  // namespace
}  // namespace understudy::translate
