#include <array>
#include <initializer_list>
#include <utility>

#include <understudy/codec/text.hpp>

#include "translate/count_tokens_path.hpp"
#include "translate/same_schema.hpp"
#include "translate/small_operation.hpp"
#include "translate/translators.hpp"

/// vLLM's tokenize over providers that count but do not show tokens: the chat is made as the
/// chat translator of the schema makes it, so that what is counted is what would be sent, and its
/// parts go to the counting path (spec/gateway-config.md §4.1, §9). The answer has the shape of
/// vLLM's with no `tokens`, and a `max_model_len` of 0 for "not known", as AIGW writes it.
namespace understudy::translate {
namespace {

constexpr std::string_view refusal_opening = "invalid request body: ";

class tokenize_by_chat final : public small_operation {
 public:
  tokenize_by_chat(schema target, std::unique_ptr<translator> chat)
      : small_operation{operation::tokenize}, target_{target}, chat_{std::move(chat)} {}

 private:
  bool build(const json& asked, const request_view& original, const backend_view& backend,
             upstream_request& out) override;
  std::string answer(const codec::response_head& head, std::string_view body) override;

  std::optional<json> chat_request(const json& asked);
  void wrap(const json& chat, const backend_view& backend, upstream_request& out) const;
  json anthropic_body(const json& chat) const;

  schema target_;
  std::unique_ptr<translator> chat_;
};

json parts_of(const json& body, std::initializer_list<const char*> names) {
  json out = json::object();
  for (const char* name : names)
    if (const json* part = member(body, name)) out[name] = *part;
  return out;
}

std::optional<json> tokenize_by_chat::chat_request(const json& asked) {
  const json* messages = member(asked, "messages");
  const json* prompt = member(asked, "prompt");
  const auto fail = [this](const char* message, int status) {
    refuse(message, status);
    return std::nullopt;
  };
  if ((messages == nullptr) == (prompt == nullptr))
    return fail("either `prompt` or `messages` must be there", 400);
  if (prompt != nullptr && !prompt->is_string()) return fail("`prompt` is no text", 422);
  json chat{{"model", model()}};
  if (messages != nullptr)
    chat["messages"] = *messages;
  else
    chat["messages"].push_back({{"role", "user"}, {"content", *prompt}});
  if (const json* tools = member(asked, "tools")) chat["tools"] = *tools;
  chat["max_tokens"] = 1;
  return chat;
}

bool tokenize_by_chat::build(const json& asked, const request_view& original,
                             const backend_view& backend, upstream_request& out) {
  constexpr std::array<std::string_view, 6> carried{
      "model", "messages", "prompt", "tools", "add_generation_prompt", "return_token_strs"};
  drop_uncarried(asked, carried);
  if (is_asked_for(asked, "return_token_strs") &&
      !lose("return_token_strs", "this backend counts tokens and does not show them"))
    return false;
  const auto request = chat_request(asked);
  if (!request) return false;
  const auto text = dump_json(*request);
  request_view view = original;
  view.op = operation::chat_completions;
  view.target = "/v1/chat/completions";
  view.body = text;
  view.stream = false;
  auto made = chat_->request(view, backend);
  if (!made) {
    refusal why = made.error();
    if (why.message.starts_with(refusal_opening)) why.message.erase(0, refusal_opening.size());
    return refuse(std::move(why.message), why.status);
  }
  for (const auto& name : made->dropped) drop(name);
  for (auto& field : made->set)
    if (field.name == "anthropic-version") out.set.push_back(std::move(field));
  const auto chat = parse_json(made->body.value_or(text));
  if (!chat) return refuse("not a chat");
  wrap(*chat, backend, out);
  return true;
}

json tokenize_by_chat::anthropic_body(const json& chat) const {
  return parts_of(chat, {"messages", "system", "tools"});
}

void tokenize_by_chat::wrap(const json& chat, const backend_view& backend,
                            upstream_request& out) const {
  json body;
  switch (target_) {
    case schema::aws_bedrock:
      body["input"]["converse"] = parts_of(chat, {"messages", "system", "toolConfig"});
      out.target = bedrock_count_path(model());
      break;
    case schema::aws_anthropic:
      body = anthropic_body(chat);
      body["anthropic_version"] = bedrock_anthropic_version(backend.version);
      body["max_tokens"] = 1;
      out.target = bedrock_count_path(model());
      out.body = bedrock_count_body(dump_json(body));
      return;
    case schema::gcp_anthropic:
      body = anthropic_body(chat);
      body["anthropic_version"] = vertex_anthropic_version(backend.version);
      body["model"] = without_alias(model());
      out.target = vertex_anthropic_count_path;
      break;
    case schema::gcp_vertex_ai:
      body = parts_of(chat, {"contents", "systemInstruction", "tools"});
      out.target = "publishers/google/models/" + codec::path_escape(model()) + ":countTokens";
      break;
    default:
      body = anthropic_body(chat);
      body["model"] = model();
      out.target = join_path(backend.prefix, "messages/count_tokens");
  }
  out.body = dump_json(body);
}

std::string tokenize_by_chat::answer(const codec::response_head& /*head*/, std::string_view body) {
  const auto name = [this]() -> std::string_view {
    if (target_ == schema::gcp_vertex_ai) return "totalTokens";
    const bool is_aws = target_ == schema::aws_bedrock || target_ == schema::aws_anthropic;
    return is_aws ? "inputTokens" : "input_tokens";
  }();
  const auto count = count_member(body, name);
  if (!count) return broken("count");
  return R"({"count":)" + std::to_string(*count) + R"(,"max_model_len":0,"tokens":[]})";
}

}  // namespace

template <schema Target>
std::unique_ptr<translator> make_tokenize_by_chat(operation /*op*/) {
  auto chat = find(operation::chat_completions, Target);
  if (chat == nullptr) return nullptr;
  return std::make_unique<tokenize_by_chat>(Target, std::move(chat));
}

template std::unique_ptr<translator> make_tokenize_by_chat<schema::aws_bedrock>(operation op);
template std::unique_ptr<translator> make_tokenize_by_chat<schema::aws_anthropic>(operation op);
template std::unique_ptr<translator> make_tokenize_by_chat<schema::anthropic>(operation op);
template std::unique_ptr<translator> make_tokenize_by_chat<schema::gcp_anthropic>(operation op);
template std::unique_ptr<translator> make_tokenize_by_chat<schema::gcp_vertex_ai>(operation op);

}  // namespace understudy::translate
