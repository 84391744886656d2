#include <optional>
#include <utility>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

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

bool is_identity(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

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

class messages_anthropic_to_openai final : public translator {
 public:
  explicit messages_anthropic_to_openai(chat_dialect dialect) : dialect_{dialect} {}

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
  void keep_stops(const json& request);

  chat_dialect dialect_;
  std::string model_;
  std::vector<std::string> stops_;
  bool is_stream_ = false;
  std::optional<chat_message_stream> stream_;
  token_usage usage_;
};

void messages_anthropic_to_openai::keep_stops(const json& request) {
  stops_.clear();
  const json* stops = member(request, "stop_sequences");
  if (stops == nullptr || !stops->is_array()) return;
  for (const auto& stop : *stops)
    if (stop.is_string() && !view_of(stop).empty()) stops_.emplace_back(view_of(stop));
}

base::result<upstream_request, refusal> messages_anthropic_to_openai::request(
    const request_view& original, const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  is_stream_ = original.stream;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (backend.target_schema == schema::azure_openai && (model_ == "." || model_ == ".."))
    return refusal{400, "invalid request body: invalid `model`"};
  if (const auto error = codec::check_json(original.body))
    return refusal{400, "malformed request: " + error->text()};
  const auto asked = parse_json(original.body);
  if (!asked || !asked->is_object()) return refusal{400, "malformed request: expected an object"};
  messages_chat_builder builder{dialect_, model_, backend.may_drop};
  if (!builder.build(*asked)) return builder.why();
  keep_stops(*asked);
  upstream_request out;
  out.target = chat_target(backend, model_);
  out.body = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  // The answer is read here, so it must not come compressed.
  out.set = {{"content-type", "application/json"},
             {"accept", is_stream_ ? "text/event-stream" : "application/json"},
             {"accept-encoding", "identity"}};
  return out;
}

response_plan messages_anthropic_to_openai::head(const codec::response_head& head,
                                                 base::wall_time /*now*/) {
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  response_plan plan{body_mode::whole, {{"content-type", "application/json"}}};
  if (is_stream_ && head.status == 200 && base::istarts_with(type, "text/event-stream") &&
      is_identity(head)) {
    stream_.emplace(model_, stops_);
    plan = {body_mode::stream, {{"content-type", "text/event-stream"}}};
  }
  // By this name Anthropic's SDKs look for it.
  if (const auto id = upstream_request_id(head); !id.empty())
    plan.set.push_back({"request-id", std::string{id}});
  return plan;
}

base::result<reply, refusal> messages_anthropic_to_openai::whole(const codec::response_head& head,
                                                                 std::string_view body) {
  if (!is_identity(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (head.status < 200 || head.status >= 300) {
    out.body = anthropic_error_answer(head, body);
    return out;
  }
  if (is_stream_) return refusal{502, "the upstream did not answer with an event stream"};
  auto made = message_of_completion(body, model_, stops_);
  if (!made) return made.error();
  usage_ = made->usage;
  out.body = std::move(made->json);
  return out;
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
