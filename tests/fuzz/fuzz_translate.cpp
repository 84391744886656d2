// Every translator takes any request and any answer, and its stream does not depend on cuts.
#include <string>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

namespace {

namespace codec = understudy::codec;
namespace translate = understudy::translate;

constexpr translate::operation operations[] = {
    translate::operation::chat_completions, translate::operation::completions,
    translate::operation::embeddings, translate::operation::messages};
constexpr translate::schema schemas[] = {translate::schema::openai, translate::schema::azure_openai,
                                         translate::schema::aws_bedrock,
                                         translate::schema::anthropic};

struct choice {
  translate::operation op;
  translate::schema schema;
  bool stream;
  std::uint8_t seed;
};

std::string answer(const choice& c, const std::vector<std::string_view>& pieces) {
  const auto translator = translate::find(c.op, c.schema);
  if (!translator) return {};
  codec::field_list fields;
  translate::request_view request;
  request.op = c.op;
  request.method = "POST";
  request.target = "/v1/chat/completions";
  request.content_type = "application/json";
  request.body = R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5})";
  request.model = "m";
  request.stream = c.stream;
  request.fields = &fields;
  if (!translator->request(request, {c.schema, "v1", "", ""})) return "refused";

  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", c.schema == translate::schema::aws_bedrock && c.stream
                                      ? "application/vnd.amazon.eventstream"
                                      : "application/json");
  const auto plan = translator->head(head, {});
  std::string out;
  if (plan.mode == translate::body_mode::whole) {
    std::string body;
    for (const auto piece : pieces) body.append(piece);
    const auto reply = translator->whole(head, body);
    return reply ? reply->body : reply.error().message;
  }
  if (plan.mode != translate::body_mode::stream) return out;
  for (const auto piece : pieces) {
    if (!translator->feed(piece, out)) {
      translator->abort("broken", out);
      fuzz::require(out.find("[DONE]") == std::string::npos);
      return out;
    }
  }
  if (!translator->finish(out)) translator->abort("ended", out);
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const std::uint8_t which = fuzz::take_byte(input);
  const choice c{operations[which & 3U], schemas[(which >> 2U) & 3U], (which & 16U) != 0,
                 fuzz::take_byte(input)};
  if (const auto translator = translate::find(c.op, c.schema)) {
    codec::field_list fields;
    translate::request_view request;
    request.op = c.op;
    request.method = "POST";
    request.target = "/v1/chat/completions";
    request.content_type = "application/json";
    request.body = input;
    request.model = "m";
    request.stream = c.stream;
    request.fields = &fields;
    static_cast<void>(translator->request(request, {c.schema, "v1", "", "other"}));
  }
  fuzz::require(answer(c, {input}) == answer(c, fuzz::cut(input, c.seed)));
  return 0;
}
