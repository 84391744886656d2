#include <algorithm>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/json_edit.hpp>
#include <understudy/codec/text.hpp>

#include "translate/anthropic_betas.hpp"
#include "translate/aws_anthropic_frames.hpp"
#include "translate/error_event.hpp"
#include "translate/message_answer.hpp"
#include "translate/raw_json.hpp"
#include "translate/translators.hpp"

/// Anthropic's Messages API where others host Claude: the same dialect, but for the model's place
/// in the path, the version's in the body, and Bedrock's frames (spec/gateway-config.md §4.1,
/// §4.5).
namespace understudy::translate {
namespace {

using codec::json_kind;

codec::edit_result without_member(std::string body, std::string_view name) {
  while (codec::find_member(body, name)) {
    auto edited = codec::remove_at(body, name);
    if (!edited || edited->size() >= body.size()) return edited;
    body = std::move(*edited);
  }
  return body;
}

bool is_identity(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

bool has_type(const codec::response_head& head, std::string_view type) {
  return base::istarts_with(base::trim(head.fields.find("content-type").value_or("")), type);
}

class claude_host : public translator {
 public:
  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) final;
  response_plan head(const codec::response_head& head, base::wall_time now) override;
  bool feed(std::string_view bytes, std::string& out) override {
    out += bytes;
    return true;
  }
  bool finish(std::string& /*out*/) override { return true; }
  void abort(std::string_view message, std::string& out) override {
    // The cut may lie inside an event; a blank line ends it, and is nothing between two.
    if (is_event_stream_)
      append_error_event(out.append("\n\n"), operation::messages, {}, {}, message);
  }
  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override;

 protected:
  virtual std::string_view default_version() const = 0;
  virtual std::string target(std::string_view model) const = 0;
  /// What else changes in the body and the fields.
  virtual codec::edit_result finish_body(std::string body, const request_view& original,
                                         upstream_request& out) const = 0;
  bool is_stream() const { return is_stream_; }

 private:
  std::string_view version_of(const request_view& original, const backend_view& backend) const;

  bool is_stream_ = false;
  bool is_event_stream_ = false;
};

/// A client of a newer version than the clouds' own first ones means it: its SDK writes the same
/// into the body where it asks a cloud itself.
std::string_view claude_host::version_of(const request_view& original,
                                         const backend_view& backend) const {
  if (!backend.version.empty()) return backend.version;
  constexpr std::string_view first = "2023-06-01";
  const auto asked =
      original.fields == nullptr ? std::nullopt : original.fields->find("anthropic-version");
  const bool is_newer = asked && asked->size() == first.size() && *asked > first;
  return is_newer ? *asked : default_version();
}

base::result<upstream_request, refusal> claude_host::request(const request_view& original,
                                                             const backend_view& backend) {
  const auto model = backend.model_override.empty() ? original.model : backend.model_override;
  is_stream_ = original.stream;
  if (model.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model == "." || model == "..") return refusal{400, "invalid request body: invalid `model`"};
  const auto version = version_of(original, backend);
  upstream_request out;
  out.target = target(model);
  out.set.push_back({"content-type", "application/json"});
  auto body = codec::replace_top_level_string(original.body, "anthropic_version", version);
  if (body) body = without_member(std::move(*body), "model");
  if (body) body = finish_body(std::move(*body), original, out);
  if (!body) return refusal{400, "malformed request: " + body.error().text()};
  out.body = std::move(*body);
  return out;
}

response_plan claude_host::head(const codec::response_head& head, base::wall_time /*now*/) {
  is_event_stream_ = has_type(head, "text/event-stream");
  if (head.status >= 400 && is_identity(head))
    return {body_mode::whole, {{"content-type", "application/json"}}};
  return {};
}

/// Errors only: those of the cloud in front of Claude have its own shape.
base::result<reply, refusal> claude_host::whole(const codec::response_head& head,
                                                std::string_view body) {
  reply out{head.status, {{"content-type", "application/json"}}, std::string{body}};
  const bool is_ours = !codec::check_json(body) && raw_text_of(body, "type") == "\"error\"" &&
                       !raw_object_of(body, "error").empty();
  if (!is_ours) out.body = anthropic_error_answer(head, body);
  return out;
}

class messages_to_gcp_anthropic final : public claude_host {
  std::string_view default_version() const override { return "vertex-2023-10-16"; }
  std::string target(std::string_view model) const override {
    return "publishers/anthropic/models/" + codec::path_escape(model) +
           (is_stream() ? ":streamRawPredict" : ":rawPredict");
  }
  codec::edit_result finish_body(std::string body, const request_view& original,
                                 upstream_request& out) const override {
    const auto betas =
        original.fields == nullptr ? std::nullopt : original.fields->find("anthropic-beta");
    if (betas) out.set.push_back({"anthropic-beta", std::string{*betas}});
    return body;
  }
};

class messages_to_aws_anthropic final : public claude_host {
 public:
  response_plan head(const codec::response_head& head, base::wall_time now) override;
  bool feed(std::string_view bytes, std::string& out) override;
  bool finish(std::string& out) override;
  void abort(std::string_view message, std::string& out) override { fail({}, message, out); }
  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override {
    if (head.status < 400) return refusal{502, "the upstream did not answer with an event stream"};
    return claude_host::whole(head, body);
  }

 private:
  std::string_view default_version() const override { return "bedrock-2023-05-31"; }
  std::string target(std::string_view model) const override {
    return "/model/" + codec::path_escape(model) +
           (is_stream() ? "/invoke-with-response-stream" : "/invoke");
  }
  codec::edit_result finish_body(std::string body, const request_view& original,
                                 upstream_request& out) const override;
  bool fail(std::string_view type, std::string_view message, std::string& out);

  aws_anthropic_frames frames_;
  bool is_framed_ = false;
  bool has_ended_ = false;
  bool has_failed_ = false;
};

codec::edit_result messages_to_aws_anthropic::finish_body(std::string body,
                                                          const request_view& original,
                                                          upstream_request& out) const {
  const auto accept =
      is_stream() ? codec::event_stream_content_type : std::string_view{"application/json"};
  out.set.push_back({"accept", std::string{accept}});
  out.set.push_back({"accept-encoding", "identity"});
  const auto betas = bedrock_betas(original.fields, bedrock_api::invoke);
  if (betas.has_others) out.dropped.emplace_back("anthropic-beta");
  auto edited = without_member(std::move(body), "stream");
  if (!edited || betas.names.empty()) return edited;
  std::string list;
  for (const auto& name : betas.names)
    list.append(list.empty() ? "[" : ",").append(quoted_json(name));
  return codec::replace_top_level(*edited, "anthropic_beta", list += "]");
}

response_plan messages_to_aws_anthropic::head(const codec::response_head& head,
                                              base::wall_time now) {
  if (!is_stream() || head.status != 200) return claude_host::head(head, now);
  is_framed_ = has_type(head, codec::event_stream_content_type) && is_identity(head);
  if (is_framed_) return {body_mode::stream, {{"content-type", "text/event-stream"}}};
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

bool messages_to_aws_anthropic::fail(std::string_view type, std::string_view message,
                                     std::string& out) {
  if (is_framed_ && !has_failed_ && !has_ended_)
    append_error_event(out, operation::messages, anthropic_type_of(type, {}), {}, message);
  has_failed_ = true;
  return false;
}

bool messages_to_aws_anthropic::feed(std::string_view bytes, std::string& out) {
  while (!has_failed_) {
    std::string_view json;
    const auto step = frames_.next(bytes, json);
    if (step == aws_anthropic_frames::step::need_more) return true;
    if (step == aws_anthropic_frames::step::failed)
      return fail(frames_.error_type(), frames_.error(), out);
    const auto type = unquote(raw_text_of(json, "type"));
    if (has_ended_ || type.find_first_of("\r\n") != std::string::npos) continue;
    out.append("event: ").append(type).append("\ndata: ");
    const auto begin = static_cast<std::ptrdiff_t>(out.size());
    out += json;
    // JSON has line ends only where a blank would do.
    std::replace_if(
        out.begin() + begin, out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out += "\n\n";
    has_ended_ = type == "message_stop";
    if (type == "error") {
      has_failed_ = true;
      return false;
    }
  }
  return false;
}

bool messages_to_aws_anthropic::finish(std::string& out) {
  if (has_failed_) return false;
  if (has_ended_) return true;
  return fail({}, "the upstream's stream ended before the model's answer did", out);
}

}  // namespace

std::unique_ptr<translator> make_messages_to_aws_anthropic(operation /*op*/) {
  return std::make_unique<messages_to_aws_anthropic>();
}

std::unique_ptr<translator> make_messages_to_gcp_anthropic(operation /*op*/) {
  return std::make_unique<messages_to_gcp_anthropic>();
}

}  // namespace understudy::translate
