// The way of one streamed chunk through a translator, and nothing else: no socket, no head. Prints
// nanoseconds a chunk of text; with callgrind or `perf stat` around it instructions are counted,
// which a busy machine does not change. `none` is what an untouched stream costs: the watch alone.
//
//   g++ -std=c++20 -O2 -Iinclude bench/src/translate_streams.cpp -o translate_streams
//     build/release/libroom_{translate,codec,base}.a -lcrypto
//   valgrind --tool=callgrind ./translate_streams PAIR CHUNKS    (twice: the difference counts)
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <understudy/codec/event_stream.hpp>
#include <understudy/translate/answer_watch.hpp>
#include <understudy/translate/translator.hpp>

using namespace understudy;

namespace {

struct pair {
  const char* name;
  translate::operation op;
  translate::schema target;
  bool is_translated;
};

constexpr pair pairs[] = {
    {"none", translate::operation::chat_completions, translate::schema::openai, false},
    {"chat-bedrock", translate::operation::chat_completions, translate::schema::aws_bedrock, true},
    {"chat-anthropic", translate::operation::chat_completions, translate::schema::anthropic, true},
    {"chat-gemini", translate::operation::chat_completions, translate::schema::gcp_vertex_ai, true},
    {"messages-openai", translate::operation::messages, translate::schema::openai, true},
    {"messages-bedrock", translate::operation::messages, translate::schema::aws_bedrock, true},
    {"messages-gemini", translate::operation::messages, translate::schema::gcp_vertex_ai, true},
    {"responses-anthropic", translate::operation::responses, translate::schema::anthropic, true},
    {"responses-gemini", translate::operation::responses, translate::schema::gcp_vertex_ai, true},
};

/// What comes before the text, one chunk of it, and what ends the answer, as the provider sends it.
struct stream {
  std::string opening, chunk, ending;
  std::string_view type = "text/event-stream";
};

std::string frame(const char* type, const char* payload) {
  std::string out;
  codec::append_json_event(out, type, payload);
  return out;
}

stream stream_of(translate::schema target) {
  const auto chat = [](const char* delta, const char* finish) {
    return std::string{R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,)"
                       R"("model":"m","choices":[{"index":0,"delta":)"} +
           delta + R"(,"finish_reason":)" + finish + "}]}\n\n";
  };
  const auto claude = [](const char* type, const char* rest) {
    return std::string{"event: "} + type + "\ndata: {\"type\":\"" + type + "\"" + rest + "}\n\n";
  };
  switch (target) {
    case translate::schema::aws_bedrock:
      return {frame("messageStart", R"({"role":"assistant"})"),
              frame("contentBlockDelta",
                    R"({"contentBlockIndex":0,"delta":{"text":" a few words"},"p":"abcdefgh"})"),
              frame("contentBlockStop", R"({"contentBlockIndex":0})") +
                  frame("messageStop", R"({"stopReason":"end_turn"})"),
              codec::event_stream_content_type};
    case translate::schema::anthropic:
      return {claude("message_start",
                     R"(,"message":{"id":"msg_1","type":"message","role":"assistant",)"
                     R"("model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}})") +
                  claude("content_block_start",
                         R"(,"index":0,"content_block":{"type":"text","text":""})"),
              claude("content_block_delta",
                     R"(,"index":0,"delta":{"type":"text_delta","text":" a few words"})"),
              claude("content_block_stop", R"(,"index":0)") +
                  claude("message_delta",
                         R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9})") +
                  claude("message_stop", "")};
    case translate::schema::gcp_vertex_ai:
      return {
          "",
          R"(data: {"candidates":[{"content":{"role":"model","parts":[{"text":" a few words"}]},)"
          R"("index":0}],"modelVersion":"m","responseId":"r1"})"
          "\n\n",
          R"(data: {"candidates":[{"content":{"role":"model","parts":[{"text":"."}]},)"
          R"("finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"r1"})"
          "\n\n"};
    default:
      return {chat(R"({"role":"assistant","content":""})", "null"),
              chat(R"({"content":" a few words"})", "null"),
              chat("{}", R"("stop")") + "data: [DONE]\n\n"};
  }
}

}  // namespace

int main(int argc, char** argv) {
  const pair* chosen = nullptr;
  for (const auto& p : pairs)
    if (argc == 3 && std::strcmp(argv[1], p.name) == 0) chosen = &p;
  if (chosen == nullptr) {
    std::fprintf(stderr, "usage: translate_streams PAIR CHUNKS\n");
    for (const auto& p : pairs) std::fprintf(stderr, "  %s\n", p.name);
    return 2;
  }
  const auto chunks = std::strtoul(argv[2], nullptr, 10);
  const auto events = stream_of(chosen->target);
  const std::string body =
      chosen->op == translate::operation::responses
          ? R"({"model":"m","stream":true,"input":"Hi"})"
          : R"({"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]})";
  codec::field_list fields;
  translate::request_view view;
  view.op = chosen->op;
  view.content_type = "application/json";
  view.body = body;
  view.model = "m";
  view.stream = true;
  view.fields = &fields;
  auto one = translate::find(chosen->op, chosen->target);
  if (!one || !one->request(view, {chosen->target, "", "", ""})) return 1;
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", events.type);
  one->head(head, {});
  translate::answer_watch watch;
  watch.begin(chosen->op, chosen->target, true, head);

  std::string out;
  std::size_t bytes = 0;
  const auto feed = [&](const std::string& piece) {
    watch.feed(piece);
    if (!chosen->is_translated) return;
    out.clear();
    if (!one->feed(piece, out)) std::exit(1);
    bytes += out.size();
  };
  feed(events.opening);
  const auto begin = std::chrono::steady_clock::now();
  for (auto i = chunks; i > 0; --i) feed(events.chunk);
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
  feed(events.ending);
  watch.finish();
  if (!watch.is_whole()) return 1;
  std::printf("%s: %.0f ns a chunk (%zu bytes out)\n", chosen->name,
              spent.count() / static_cast<double>(chunks), bytes);
  return 0;
}
