// The watch of an answer: the same findings however the bytes are cut, and stages that only grow.
#include <string>
#include <understudy/translate/answer_watch.hpp>

#include "fuzz.hpp"

namespace {

using namespace understudy;
using translate::answer_stage;
using translate::answer_watch;
using translate::operation;
using translate::schema;

struct pairing {
  operation op;
  schema upstream;
};

constexpr pairing pairings[] = {
    {operation::chat_completions, schema::openai},
    {operation::responses, schema::openai},
    {operation::messages, schema::anthropic},
    {operation::chat_completions, schema::gcp_vertex_ai},
    {operation::chat_completions, schema::aws_bedrock},
    {operation::messages, schema::aws_anthropic},
    {operation::embeddings, schema::openai},
    {operation::audio_speech, schema::openai},
};

constexpr std::string_view types[] = {
    "text/event-stream", "application/json", codec::event_stream_content_type, "", "text/html",
};

std::string run(answer_watch& watch, const pairing& pair, std::string_view type, bool is_stream,
                const std::vector<std::string_view>& pieces) {
  codec::response_head head;
  head.status = 200;
  if (!type.empty()) head.fields.add("content-type", type);
  watch.begin(pair.op, pair.upstream, is_stream, head);
  auto last = watch.stage();
  for (const auto piece : pieces) {
    watch.feed(std::string{piece});
    fuzz::require(watch.stage() >= last);
    last = watch.stage();
  }
  fuzz::require((last == answer_stage::failed) == (watch.fault() != nullptr));
  fuzz::require(last != answer_stage::content || watch.has_content());
  std::string out = std::to_string(static_cast<int>(last));
  out += watch.is_between_events() ? " between " : " inside ";
  watch.finish();
  fuzz::require(watch.stage() == answer_stage::finished || watch.stage() == answer_stage::failed);
  fuzz::require(watch.is_whole() == (watch.stage() == answer_stage::finished));
  out += std::to_string(static_cast<int>(watch.stage())) + " ";
  out += std::to_string(watch.text_characters()) + " ";
  out += std::to_string(watch.usage().total.value_or(0));
  if (const auto* fault = watch.fault()) {
    fuzz::require(fault->status >= 400 && fault->status <= 599);
    fuzz::require(fault->message.size() <= 512 && fault->type.size() <= 512);
    out += " " + std::to_string(fault->status) + fault->type + "|" + fault->code + fault->message;
  }
  return out;
}

}  // namespace

/// Input: how to cut, which pair, which content type; then the body. For the two that speak in
/// frames the body is also taken as `kind payload` lines, each put into a well-formed frame.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto seed = fuzz::take_byte(input);
  const auto& pair = pairings[fuzz::take_byte(input) % std::size(pairings)];
  const auto choice = fuzz::take_byte(input);
  const auto type = types[choice % std::size(types)];
  const bool is_stream = choice < 128;
  answer_watch watch;
  const auto check = [&](std::string_view body, std::string_view content_type) {
    const auto whole = run(watch, pair, content_type, is_stream, {body});
    fuzz::require(run(watch, pair, content_type, is_stream, fuzz::cut(body, seed)) == whole);
  };
  check(input, type);
  if (pair.upstream != schema::aws_bedrock && pair.upstream != schema::aws_anthropic) return 0;
  constexpr std::string_view names[] = {"messageStart", "contentBlockStart", "contentBlockDelta",
                                        "messageStop",  "metadata",          "chunk"};
  std::string frames;
  while (!input.empty()) {
    const auto line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    if (line.empty()) continue;
    const auto kind = static_cast<unsigned char>(line.front()) % (std::size(names) + 1);
    if (kind == std::size(names))
      codec::append_json_exception(frames, line.substr(1, 9), line.substr(1));
    else
      codec::append_json_event(frames, names[kind], line.substr(1));
  }
  check(frames, codec::event_stream_content_type);
  return 0;
}
