#include "translate/answer_translator.hpp"

#include <understudy/base/ascii.hpp>

#include "translate/small_operation.hpp"

namespace understudy::translate {

std::string completion_id_of(base::wall_time now) {
  return "chatcmpl-" + std::to_string(now.time_since_epoch().count());
}

base::result<upstream_request, refusal> answer_translator::request(const request_view& original,
                                                                   const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  is_stream_ = original.stream;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model_ == "." || model_ == "..") return refusal{400, "invalid request body: invalid `model`"};
  auto made = ask(original, backend);
  if (!made) return made;
  const auto accept = is_stream_ ? stream_type() : std::string_view{"application/json"};
  made->set.push_back({"content-type", "application/json"});
  made->set.push_back({"accept", std::string{accept}});
  // The answer is read here, so it must not come compressed.
  made->set.push_back({"accept-encoding", "identity"});
  return made;
}

response_plan answer_translator::head(const codec::response_head& head, base::wall_time now) {
  response_plan plan{body_mode::whole, {{"content-type", "application/json"}}};
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  const bool is_events = base::istarts_with(type, stream_type());
  if (is_stream_ && head.status == 200 && is_events && is_readable(head))
    plan = {body_mode::stream, {{"content-type", "text/event-stream"}}};
  begin(head, now, plan);
  if (plan.mode == body_mode::stream) begin_stream();
  return plan;
}

base::result<reply, refusal> answer_translator::whole(const codec::response_head& head,
                                                      std::string_view body) {
  if (!is_readable(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (head.status < 200 || head.status >= 300) {
    out.body = error_answer(head, body);
    return out;
  }
  if (auto fault = fault_in(body)) return *fault;
  if (is_stream_) return refusal{502, "the upstream did not answer with an event stream"};
  auto text = answer(body);
  if (!text) return text.error();
  out.body = std::move(*text);
  return out;
}

}  // namespace understudy::translate
