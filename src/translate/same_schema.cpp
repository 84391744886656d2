#include "translate/same_schema.hpp"

#include <understudy/codec/json_edit.hpp>
#include <understudy/codec/multipart.hpp>

#include "translate/error_event.hpp"

namespace understudy::translate {
namespace {

bool is_json(const codec::response_head& head) {
  const auto type = base::lower(head.fields.find("content-type").value_or(""));
  return type.find("json") != std::string::npos;
}

/// Gives the body's model another name.
base::result<void, refusal> rename_model(const request_view& original, std::string_view model,
                                         upstream_request& out) {
  if (codec::is_multipart_form(original.content_type)) {
    auto form = codec::replace_form_text(original.body, original.content_type, "model", model);
    if (!form) return refusal{400, "malformed form: " + std::string{form.error().reason}};
    out.body = std::move(form->body);
    out.set.push_back({"content-type", std::move(form->content_type)});
    return {};
  }
  auto body = codec::replace_top_level_string(original.body, "model", model);
  if (!body) return refusal{400, "malformed request: " + body.error().text()};
  out.body = std::move(*body);
  return {};
}

/// Only a chat is asked so, as the gateway that the route's field comes from does.
bool has_to_tell_usage(operation op, const request_view& original) {
  return op == operation::chat_completions && original.stream && original.wants_usage;
}

base::result<void, refusal> ask_for_usage(const request_view& original, upstream_request& out) {
  const std::string_view body = out.body ? std::string_view{*out.body} : original.body;
  auto asking = codec::set_at(body, "stream_options.include_usage", "true");
  if (!asking) return refusal{400, "malformed request: " + asking.error().text()};
  out.body = std::move(*asking);
  return {};
}

}  // namespace

std::string join_path(std::string_view prefix, std::string_view suffix) {
  if (prefix.empty()) prefix = "v1";
  std::string out;
  out.reserve(prefix.size() + suffix.size() + 2);
  out.push_back('/');
  const bool is_plain = prefix.find('/') == prefix.npos && suffix.find("//") == suffix.npos &&
                        !suffix.empty() && suffix.front() != '/' && suffix.back() != '/';
  if (is_plain) return std::move(out.append(prefix).append("/").append(suffix));
  const auto append_part = [&out](std::string_view part) {
    for (const char c : part)
      if (c != '/' || out.back() != '/') out.push_back(c);
  };
  append_part(prefix);
  if (out.back() != '/') out.push_back('/');
  append_part(suffix);
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

base::result<upstream_request, refusal> same_schema::request(const request_view& original,
                                                             const backend_view& backend) {
  const bool is_overridden =
      !backend.model_override.empty() && backend.model_override != original.model;
  const auto model = is_overridden ? backend.model_override : original.model;
  // Dot segments would be resolved away and name another path.
  if (model == "." || model == "..") return refusal{400, "invalid request body: invalid `model`"};
  upstream_request out;
  out.target = target(model, original, backend);
  if (is_overridden && has_model_in_body(original))
    if (auto done = rename_model(original, backend.model_override, out); !done) return done.error();
  if (has_to_tell_usage(op_, original))
    if (auto done = ask_for_usage(original, out); !done) return done.error();
  return out;
}

response_plan same_schema::head(const codec::response_head& head, base::wall_time /*now*/) {
  const auto type = head.fields.find("content-type").value_or("");
  is_event_stream_ = base::istarts_with(base::trim(type), "text/event-stream");
  // A compressed error can't be quoted; the client decodes it as it is.
  const auto coding = head.fields.find("content-encoding").value_or("identity");
  if (head.status >= 400 && !is_json(head) && base::iequals(coding, "identity"))
    return {body_mode::whole, {{"content-type", "application/json"}}};
  return {};
}

bool same_schema::feed(std::string_view bytes, std::string& out) {
  out += bytes;
  return true;
}

bool same_schema::finish(std::string& /*out*/) { return true; }

void same_schema::abort(std::string_view message, std::string& out) {
  // The cut may lie inside an event; a blank line ends it, and is nothing between two.
  if (is_event_stream_) append_error_event(out.append("\n\n"), op_, {}, {}, message);
}

base::result<reply, refusal> same_schema::whole(const codec::response_head& head,
                                                std::string_view body) {
  return reply{head.status, {{"content-type", "application/json"}}, wrap_error(head.status, body)};
}

std::string same_schema::wrap_error(int status, std::string_view body) const {
  return error_body(op_, status, {}, std::to_string(status), quoted_error_text(status, body));
}

}  // namespace understudy::translate
