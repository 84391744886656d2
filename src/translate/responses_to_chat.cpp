#include <utility>

#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>

#include "translate/answer_translator.hpp"
#include "translate/chained.hpp"
#include "translate/error_event.hpp"
#include "translate/responses_answer.hpp"
#include "translate/responses_request.hpp"
#include "translate/responses_stream.hpp"
#include "translate/translators.hpp"

/// The Responses API where the upstream is an OpenAI chat: the outer half of a chain.
namespace understudy::translate {
namespace {

std::string inside_of(std::string_view text) {
  std::string out;
  codec::append_json_string(out, text);
  return out.substr(1, out.size() - 2);
}

void add_part(response_item& item, response_part::kind what, const json* text) {
  if (text == nullptr || !text->is_string() || view_of(*text).empty()) return;
  auto& part = item.parts.emplace_back();
  part.what = what;
  part.text = inside_of(view_of(*text));
}

void append_elements(std::string& list, const json& elements) {
  if (!elements.is_array() || elements.empty()) return;
  const auto text = dump_json(elements);
  list.append(text, 1, text.size() - 2);
}

/// `{"type":"url_citation","url_citation":{…}}` of a chat is flat here.
json annotations_of(const json& message) {
  json out = json::array();
  const json* given = member(message, "annotations");
  if (given == nullptr || !given->is_array()) return out;
  for (const auto& annotation : *given) {
    const json* citation = member(annotation, "url_citation");
    if (citation == nullptr || !citation->is_object()) continue;
    json flat{{"type", "url_citation"}};
    flat.update(*citation);
    out.push_back(std::move(flat));
  }
  return out;
}

response_item reasoning_of(const json& message, bool is_sealed) {
  response_item item;
  item.what = response_item::kind::reasoning;
  for (const char* name : {"reasoning_content", "reasoning"})
    if (item.parts.empty()) add_part(item, response_part::kind::reasoning, member(message, name));
  const json* blocks = member(message, "thinking_blocks");
  if (is_sealed && blocks != nullptr && blocks->is_array() && !blocks->empty())
    item.sealed = seal_thinking(dump_json(*blocks));
  return item;
}

response_item text_of(const json& message, const json& choice) {
  response_item item;
  add_part(item, response_part::kind::text, member(message, "content"));
  if (!item.parts.empty()) {
    append_elements(item.parts[0].annotations, annotations_of(message));
    if (const json* logprobs = member(choice, "logprobs"))
      if (const json* content = member(*logprobs, "content"))
        append_elements(item.parts[0].logprobs, *content);
  }
  add_part(item, response_part::kind::refusal, member(message, "refusal"));
  return item;
}

response_item call_of(const json& call, const response_frame& frame, std::size_t index) {
  static const json none = json::object();
  response_item item;
  item.what = response_item::kind::call;
  const json* function = member(call, "function");
  if (function == nullptr) function = &none;
  const auto id = text_member(call, "id");
  item.call_id = id.empty() ? "call_" + frame.suffix + "_" + std::to_string(index) : inside_of(id);
  item.name = inside_of(text_member(*function, "name"));
  item.arguments = inside_of(text_member(*function, "arguments"));
  return item;
}

std::vector<response_item> items_of(const json& choice, const response_frame& frame,
                                    bool is_sealed) {
  static const json none = json::object();
  std::vector<response_item> out;
  const json* message = member(choice, "message");
  if (message == nullptr) message = &none;
  if (auto item = reasoning_of(*message, is_sealed); !item.parts.empty() || !item.sealed.empty())
    out.push_back(std::move(item));
  if (auto item = text_of(*message, choice); !item.parts.empty()) out.push_back(std::move(item));
  const json* calls = member(*message, "tool_calls");
  if (calls != nullptr && calls->is_array())
    for (const auto& call : *calls) out.push_back(call_of(call, frame, out.size()));
  for (std::size_t i = 0; i < out.size(); ++i) out[i].id = item_id(out[i], frame.suffix, i);
  return out;
}

class responses_to_chat final : public stream_translator<responses_stream> {
  base::result<upstream_request, refusal> ask(const request_view& original,
                                              const backend_view& backend) override;
  void begin(const codec::response_head& head, base::wall_time now, response_plan& plan) override;
  void begin_stream() override { stream_.emplace(frame_, upstream_id_, seals_thinking_); }
  std::string error_answer(const codec::response_head& head, std::string_view body) override;
  base::result<std::string, refusal> answer(std::string_view body) override;

  response_frame frame_;
  std::string upstream_id_;
  bool seals_thinking_ = false;
};

base::result<upstream_request, refusal> responses_to_chat::ask(const request_view& original,
                                                               const backend_view& backend) {
  auto chat = chat_request_of(original, model(), backend.may_drop);
  if (!chat) return chat.error();
  seals_thinking_ = chat->has_sealed_reasoning;
  frame_.model = inside_of(model());
  frame_.echo = std::move(chat->echo);
  upstream_request out;
  out.target = "/v1/chat/completions";
  out.body = std::move(chat->json);
  out.dropped = std::move(chat->dropped);
  return out;
}

void responses_to_chat::begin(const codec::response_head& head, base::wall_time now,
                              response_plan& /*plan*/) {
  frame_.created = codec::unix_seconds(now);
  upstream_id_ = head.fields.find("x-request-id").value_or("");
}

std::string responses_to_chat::error_answer(const codec::response_head& head,
                                            std::string_view body) {
  const auto error = codec::find_member(body, "error");
  const bool is_openai =
      !codec::check_json(body) && error && error->kind == codec::json_kind::object;
  if (is_openai) return std::string{body};
  return error_body(operation::responses, head.status, {}, std::to_string(head.status),
                    quoted_error_text(head.status, body));
}

base::result<std::string, refusal> responses_to_chat::answer(std::string_view body) {
  const auto chat = parse_json(body);
  const json* choices = chat ? member(*chat, "choices") : nullptr;
  if (choices == nullptr || !choices->is_array() || choices->empty())
    return refusal{502, "the upstream's answer holds no choice"};
  const json& choice = choices->front();
  const auto finish = text_member(choice, "finish_reason");
  if (finish == "error") return refusal{502, "the upstream broke its answer off"};
  if (const json* created = member(*chat, "created"); created && created->is_number_unsigned())
    frame_.created = created->get<std::int64_t>();
  if (const json* model = member(*chat, "model"); model && model->is_string())
    frame_.model = inside_of(view_of(*model));
  frame_.suffix = id_suffix(text_member(*chat, "id"), frame_.created);
  if (const auto usage = codec::find_member(body, "usage")) usage_ = chat_usage(usage->text);
  auto state = state_of_finish(finish);
  state.usage = usage_;
  std::string tier;
  if (const auto name = text_member(*chat, "service_tier"); !name.empty()) tier = inside_of(name);
  state.service_tier = tier;
  const auto items = items_of(choice, frame_, seals_thinking_);
  std::string out;
  append_response(out, frame_, state, &items);
  return out;
}

}  // namespace

std::unique_ptr<translator> make_responses_by_chat(schema target) {
  auto chat = find(operation::chat_completions, target);
  if (chat == nullptr) return nullptr;
  return make_chained(std::make_unique<responses_to_chat>(), std::move(chat));
}

}  // namespace understudy::translate
