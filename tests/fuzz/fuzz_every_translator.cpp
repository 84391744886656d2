// Every pair of the registry: any request, any answer, whole or in pieces, and the same either way;
// no stream that broke ends as if it were whole.
#include <string>
#include <understudy/translate/translator.hpp>

#include "fuzz.hpp"

namespace {

namespace codec = understudy::codec;
namespace translate = understudy::translate;
using translate::operation;
using translate::schema;

constexpr int operation_count = static_cast<int>(operation::unknown);
constexpr int schema_count = static_cast<int>(schema::aws_openai) + 1;

struct choice {
  operation op = operation::chat_completions;
  schema target = schema::openai;
  bool is_stream = false;
  bool may_drop = false;
  bool is_overridden = false;
  int status = 200;
  std::string_view type;
};

constexpr std::string_view types[] = {"application/json", "text/event-stream",
                                      "application/vnd.amazon.eventstream", "text/html"};

/// Below the path that the operation is known by.
std::string_view path_of(operation op) {
  if (op == operation::anthropic_other) return "/anthropic/x?y=z";
  return op == operation::cohere_other ? "/cohere/x?y=z" : "/v1/x?y=z";
}

translate::request_view view_of(const choice& c, std::string_view body,
                                const codec::field_list& fields) {
  translate::request_view view;
  view.op = c.op;
  view.method = "POST";
  view.target = path_of(c.op);
  view.content_type = "application/json";
  view.body = body;
  view.model = "claude-sonnet-4-5";
  view.stream = c.is_stream;
  view.fields = &fields;
  return view;
}

translate::backend_view backend_of(const choice& c) {
  translate::backend_view backend{c.target, "v1", "2024-10-21", c.is_overridden ? "other" : ""};
  backend.may_drop = c.may_drop;
  return backend;
}

/// A request that most pairs take, so that the answer's side is reached.
std::string_view honest(operation op) {
  switch (op) {
    case operation::embeddings:
      return R"({"model":"m","input":["a","b"]})";
    case operation::rerank:
    case operation::generic_rerank:
      return R"({"model":"m","query":"q","documents":["a","b"]})";
    case operation::completions:
    case operation::tokenize:
      return R"({"model":"m","prompt":"a"})";
    case operation::responses:
    case operation::responses_input_tokens:
      return R"({"model":"m","input":"hi"})";
    default:
      return R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]})";
  }
}

/// As a line of its own; inside of a JSON text it may stand.
bool has_end_of_openai(std::string_view out) {
  constexpr std::string_view end = "data: [DONE]\n";
  return out.starts_with(end) || out.find("\n" + std::string{end}) != std::string_view::npos;
}

std::string answer(const choice& c, const std::vector<std::string_view>& pieces) {
  const auto translator = translate::find(c.op, c.target);
  codec::field_list fields;
  if (!translator->request(view_of(c, honest(c.op), fields), backend_of(c))) return "refused";
  codec::response_head head;
  head.status = c.status;
  head.fields.add("content-type", c.type);
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
    if (translator->feed(piece, out)) continue;
    translator->abort("broken", out);
    fuzz::require(!has_end_of_openai(out));
    return out;
  }
  if (!translator->finish(out)) translator->abort("ended", out);
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  choice c;
  c.op = static_cast<operation>(fuzz::take_byte(input) % operation_count);
  c.target = static_cast<schema>(fuzz::take_byte(input) % schema_count);
  const std::uint8_t how = fuzz::take_byte(input);
  const std::uint8_t seed = fuzz::take_byte(input);
  c.is_stream = (how & 1U) != 0;
  c.may_drop = (how & 2U) != 0;
  c.status = (how & 4U) != 0 ? 429 : 200;
  c.type = types[(how >> 3U) & 3U];
  c.is_overridden = (how & 32U) != 0;
  const auto translator = translate::find(c.op, c.target);
  if (!translator) return 0;
  codec::field_list fields;
  static_cast<void>(translator->request(view_of(c, input, fields), backend_of(c)));
  fuzz::require(answer(c, {input}) == answer(c, fuzz::cut(input, seed)));
  return 0;
}
