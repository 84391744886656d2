#include <understudy/codec/event_stream.hpp>

#include "translate/answer_translator.hpp"
#include "translate/converse_helper.hpp"
#include "translate/converse_to_message.hpp"
#include "translate/message_answer.hpp"
#include "translate/messages_converse_builder.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

class messages_anthropic_to_bedrock final : public stream_translator<converse_message_stream> {
  base::result<upstream_request, refusal> ask(const request_view& original,
                                              const backend_view& backend) override;
  std::string_view stream_type() const override { return codec::event_stream_content_type; }
  void begin(const codec::response_head& head, base::wall_time now, response_plan& plan) override;
  void begin_stream() override { stream_.emplace(id_, model()); }
  std::string error_answer(const codec::response_head& head, std::string_view body) override {
    return anthropic_error_answer(head, body);
  }
  base::result<std::string, refusal> answer(std::string_view body) override;

  std::string id_;
};

base::result<upstream_request, refusal> messages_anthropic_to_bedrock::ask(
    const request_view& original, const backend_view& backend) {
  refusal malformed;
  const auto asked = request_object(original.body, malformed);
  if (!asked) return malformed;
  messages_converse_builder builder{model(), backend.may_drop};
  if (!builder.build(*asked)) return builder.why();
  builder.add_betas(bedrock_betas(original.fields, bedrock_api::converse));
  upstream_request out;
  out.target = converse_path(model(), is_stream());
  out.body = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  return out;
}

void messages_anthropic_to_bedrock::begin(const codec::response_head& head, base::wall_time now,
                                          response_plan& /*plan*/) {
  const auto told = upstream_request_id(head);
  id_ = message_id_of(told.empty() ? std::to_string(now.time_since_epoch().count()) : told);
}

base::result<std::string, refusal> messages_anthropic_to_bedrock::answer(std::string_view body) {
  auto made = message_of_converse_answer(body, id_, model());
  if (!made) return made.error();
  usage_ = made->usage;
  return std::move(made->json);
}

}  // namespace

std::unique_ptr<translator> make_messages_anthropic_to_bedrock(operation /*op*/) {
  return std::make_unique<messages_anthropic_to_bedrock>();
}

}  // namespace understudy::translate
