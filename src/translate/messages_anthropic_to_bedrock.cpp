#include <optional>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>

#include "translate/converse_to_message.hpp"
#include "translate/message_answer.hpp"
#include "translate/messages_converse_builder.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

bool is_identity(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

class messages_anthropic_to_bedrock final : public translator {
 public:
  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) override;
  response_plan head(const codec::response_head& head, base::wall_time now) override;
  bool feed(std::string_view bytes, std::string& out) override {
    return stream_ && stream_->feed(bytes, out);
  }
  bool finish(std::string& out) override { return stream_ && stream_->finish(out); }
  void abort(std::string_view message, std::string& out) override {
    if (stream_) stream_->abort(message, out);
  }
  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override;
  token_usage usage() const override { return stream_ ? stream_->usage() : usage_; }

 private:
  std::string model_;
  std::string id_;
  bool is_stream_ = false;
  std::optional<converse_message_stream> stream_;
  token_usage usage_;
};

base::result<upstream_request, refusal> messages_anthropic_to_bedrock::request(
    const request_view& original, const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  is_stream_ = original.stream;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model_ == "." || model_ == "..") return refusal{400, "invalid request body: invalid `model`"};
  if (const auto error = codec::check_json(original.body))
    return refusal{400, "malformed request: " + error->text()};
  const auto asked = parse_json(original.body);
  if (!asked || !asked->is_object()) return refusal{400, "malformed request: expected an object"};
  messages_converse_builder builder{model_, backend.may_drop};
  if (!builder.build(*asked)) return builder.why();
  builder.add_betas(bedrock_betas(original.fields));
  upstream_request out;
  out.target =
      "/model/" + codec::path_escape(model_) + (is_stream_ ? "/converse-stream" : "/converse");
  out.body = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  const auto accept =
      is_stream_ ? codec::event_stream_content_type : std::string_view{"application/json"};
  // The answer is read here, so it must not come compressed.
  out.set = {{"content-type", "application/json"},
             {"accept", std::string{accept}},
             {"accept-encoding", "identity"}};
  return out;
}

response_plan messages_anthropic_to_bedrock::head(const codec::response_head& head,
                                                  base::wall_time now) {
  const auto told = upstream_request_id(head);
  id_ = message_id_of(told.empty() ? std::to_string(now.time_since_epoch().count()) : told);
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  const bool is_event_stream = base::istarts_with(type, codec::event_stream_content_type);
  if (is_stream_ && head.status == 200 && is_event_stream && is_identity(head)) {
    stream_.emplace(id_, model_);
    return {body_mode::stream, {{"content-type", "text/event-stream"}}};
  }
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

base::result<reply, refusal> messages_anthropic_to_bedrock::whole(const codec::response_head& head,
                                                                  std::string_view body) {
  if (!is_identity(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (head.status < 200 || head.status >= 300) {
    out.body = anthropic_error_answer(head, body);
    return out;
  }
  if (is_stream_) return refusal{502, "the upstream did not answer with an event stream"};
  auto made = message_of_converse_answer(body, id_, model_);
  if (!made) return made.error();
  usage_ = made->usage;
  out.body = std::move(made->json);
  return out;
}

}  // namespace

std::unique_ptr<translator> make_messages_anthropic_to_bedrock(operation /*op*/) {
  return std::make_unique<messages_anthropic_to_bedrock>();
}

}  // namespace understudy::translate
