#include <utility>

#include <understudy/codec/text.hpp>

#include "translate/answer_translator.hpp"
#include "translate/chained.hpp"
#include "translate/chat_to_message.hpp"
#include "translate/json.hpp"
#include "translate/message_answer.hpp"
#include "translate/messages_chat_builder.hpp"
#include "translate/messages_to_chat.hpp"
#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

std::string chat_target(const backend_view& backend, std::string_view model) {
  switch (backend.target_schema) {
    case schema::azure_openai: {
      std::string out = "/openai/deployments/" + codec::path_escape(model) + "/chat/completions";
      if (!backend.version.empty())
        out.append("?api-version=").append(codec::uri_escape(backend.version, false));
      return out;
    }
    case schema::aws_openai:
      return join_path(backend.prefix.empty() ? "openai/v1" : backend.prefix, "chat/completions");
    default:
      return join_path(backend.prefix, "chat/completions");
  }
}

class messages_anthropic_to_openai final : public stream_translator<chat_message_stream> {
 public:
  explicit messages_anthropic_to_openai(chat_dialect dialect) : dialect_{dialect} {}

 private:
  base::result<upstream_request, refusal> ask(const request_view& original,
                                              const backend_view& backend) override;
  void begin(const codec::response_head& head, base::wall_time now, response_plan& plan) override;
  void begin_stream() override { stream_.emplace(model(), stops_); }
  std::string error_answer(const codec::response_head& head, std::string_view body) override {
    return anthropic_error_answer(head, body);
  }
  base::result<std::string, refusal> answer(std::string_view body) override;
  void keep_stops(const json& request);

  chat_dialect dialect_;
  std::vector<std::string> stops_;
};

void messages_anthropic_to_openai::keep_stops(const json& request) {
  stops_.clear();
  const json* stops = member(request, "stop_sequences");
  if (stops == nullptr || !stops->is_array()) return;
  for (const auto& stop : *stops)
    if (stop.is_string() && !view_of(stop).empty()) stops_.emplace_back(view_of(stop));
}

base::result<upstream_request, refusal> messages_anthropic_to_openai::ask(
    const request_view& original, const backend_view& backend) {
  refusal malformed;
  const auto asked = request_object(original.body, malformed);
  if (!asked) return malformed;
  messages_chat_builder builder{dialect_, model(), backend.may_drop};
  if (!builder.build(*asked)) return builder.why();
  keep_stops(*asked);
  upstream_request out;
  out.target = chat_target(backend, model());
  out.body = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  return out;
}

void messages_anthropic_to_openai::begin(const codec::response_head& head, base::wall_time /*now*/,
                                         response_plan& plan) {
  // By this name Anthropic's SDKs look for it.
  if (const auto id = upstream_request_id(head); !id.empty())
    plan.set.push_back({"request-id", std::string{id}});
}

base::result<std::string, refusal> messages_anthropic_to_openai::answer(std::string_view body) {
  auto made = message_of_completion(body, model(), stops_);
  if (!made) return made.error();
  usage_ = made->usage;
  return std::move(made->json);
}

}  // namespace

std::unique_ptr<translator> make_messages_to_chat(chat_dialect dialect) {
  return std::make_unique<messages_anthropic_to_openai>(dialect);
}

std::unique_ptr<translator> make_messages_by_way_of_chat(std::unique_ptr<translator> inner) {
  if (inner == nullptr) return nullptr;
  return make_chained(make_messages_to_chat(chat_dialect::extended), std::move(inner));
}

std::unique_ptr<translator> make_messages_anthropic_to_openai(operation /*op*/) {
  return make_messages_to_chat(chat_dialect::plain);
}

std::unique_ptr<translator> make_messages_anthropic_to_gemini(operation /*op*/) {
  return make_messages_by_way_of_chat(find(operation::chat_completions, schema::gcp_vertex_ai));
}

}  // namespace understudy::translate
