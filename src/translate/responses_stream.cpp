#include "translate/responses_stream.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {

using codec::json_kind;
using codec::json_reader;
using codec::json_value;

namespace {

/// The Responses API knows one choice only.
bool is_only_choice(const chat_chunk_choice& choice) {
  const bool is_first = choice.index.empty() || choice.index == "0" || choice.index == "null";
  return choice.is_there && is_first;
}

/// Nearly always the first in the list.
chat_chunk_choice only_choice_of(const chat_chunk& chunk) {
  if (is_only_choice(chunk.first_choice)) return chunk.first_choice;
  chat_chunk_choice choice;
  json_reader list{chunk.choices};
  while (list.next()) {
    codec::json_cursor at{list.value().text};
    choice.read(at);
    if (is_only_choice(choice)) return choice;
  }
  return {};
}

/// `"log_probs": {"content": […]}`: the elements, without brackets.
std::string_view logprobs_of(std::string_view logprobs) {
  const auto content = codec::find_member(logprobs, "content");
  if (!content || content->kind != json_kind::array || !codec::is_utf8(content->text)) return {};
  const auto inside = content->text.substr(1, content->text.size() - 2);
  return inside.find_first_not_of(" \t\r\n") == std::string_view::npos ? std::string_view{}
                                                                       : inside;
}

std::string text_of(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  if (!found || found->kind == json_kind::null) return {};
  if (found->kind == json_kind::string) return codec::unescape_json(found->raw_string());
  return std::string{found->text};
}

}  // namespace

bool responses_stream::feed(std::string_view bytes, std::string& out) {
  codec::sse_event event;
  while (!has_failed_) {
    if (is_over_) return true;  // nothing behind the end matters
    const auto step = scanner_.next(bytes, event);
    if (step == codec::sse_scanner::step::need_more) return true;
    if (step == codec::sse_scanner::step::too_large)
      return fail("an event of the upstream is too large", out);
    if (!on_event(event, out)) return false;
  }
  return false;
}

bool responses_stream::on_event(const codec::sse_event& event, std::string& out) {
  if (event.data == "[DONE]") return on_end(out);
  if (event.data.empty()) return true;
  chat_chunk chunk;
  if (!chunk.read(event.data)) return fail(malformed_event_text(event.data), out);
  if (event.type == "error") {
    const auto inner = codec::find_member(event.data, "error");
    return fail_with(inner ? inner->text : event.data, out);
  }
  return on_chunk(chunk, out);
}

void responses_stream::read_frame(const chat_chunk& chunk) {
  if (const auto id = text_of_raw(chunk.id); !id.empty()) id_ = unquote(id);
  if (const auto model = text_of_raw(chunk.model); !model.empty()) {
    frame_.model.clear();
    append_inside(frame_.model, model);
  }
  std::int64_t created = 0;
  const auto* end = chunk.created.data() + chunk.created.size();
  if (std::from_chars(chunk.created.data(), end, created).ptr == end && created > 0)
    frame_.created = created;
}

bool responses_stream::on_chunk(const chat_chunk& chunk, std::string& out) {
  if (!is_begun_) read_frame(chunk);
  if (!chunk.usage.empty()) usage_ = chat_usage(chunk.usage);
  if (!chunk.error.empty()) return fail_with(chunk.error, out);
  if (const auto tier = text_of_raw(chunk.service_tier); !tier.empty()) {
    service_tier_.clear();
    append_inside(service_tier_, tier);
  }
  open_response(out);
  if (chunk.choices.empty() || has_finish_) return true;
  const auto choice = only_choice_of(chunk);
  return !choice.is_there || on_choice(choice, out);
}

bool responses_stream::on_choice(const chat_chunk_choice& choice, std::string& out) {
  if (!on_delta(choice.delta, logprobs_of(choice.logprobs), out)) return false;
  const auto finish = text_of_raw(choice.finish_reason);
  if (finish.empty()) return true;
  if (finish == R"("error")") return fail("the upstream broke the answer off", out);
  state_ = state_of_finish(finish.substr(1, finish.size() - 2));
  has_finish_ = true;
  close_all(out);
  return true;
}

bool responses_stream::on_delta(const chat_chunk_delta& delta, std::string_view logprobs,
                                std::string& out) {
  const auto text = text_of_raw(delta.content), refusal = text_of_raw(delta.refusal);
  const auto thinking = list_of_raw(delta.thinking_blocks), calls = list_of_raw(delta.tool_calls);
  const auto annotations = list_of_raw(delta.annotations), reasoning = delta.thought();
  if (!reasoning.empty() && !say(part_kind::reasoning, reasoning, {}, out)) return false;
  if (!thinking.empty() && seals_thinking_) {
    if (!current_ || items_[*current_].what != response_item::kind::reasoning) {
      close_current("completed", out);
      response_item item;
      item.what = response_item::kind::reasoning;
      if (add_item(std::move(item), out) == nullptr) return false;
    }
    on_thinking(thinking);
  }
  if (!text.empty() && !say(part_kind::text, text, logprobs, out)) return false;
  if (!refusal.empty() && !say(part_kind::refusal, refusal, {}, out)) return false;
  if (!annotations.empty() && !on_annotations(annotations, out)) return false;
  return calls.empty() || on_calls(calls, out);
}

/// A signature covers the reasoning since the last one, where its block has no text of its own.
void responses_stream::on_thinking(std::string_view blocks) {
  json_reader list{blocks};
  while (list.next()) {
    const auto block = list.value().text;
    const auto type = text_of(block, "type");
    std::string element;
    if (type == "redacted_thinking") {
      element = R"({"type":"redacted_thinking","data":)";
      codec::append_json_string(element, text_of(block, "data"));
    } else {
      const auto signature = text_of(block, "signature");
      if (signature.empty()) continue;
      const auto& parts = items_[*current_].parts;
      const std::string_view said = parts.empty() ? std::string_view{} : parts.back().text;
      element = R"({"type":"thinking","thinking":")";
      element.append(said.substr(std::min(signed_bytes_, said.size())));
      element += R"(","signature":)";
      codec::append_json_string(element, signature);
      signed_bytes_ = said.size();
    }
    element += "}";
    kept_bytes_ += 2 * element.size();
    if (kept_bytes_ <= max_answer_bytes) append_list_element(thinking_, element);
  }
}

bool responses_stream::on_calls(std::string_view calls, std::string& out) {
  codec::json_cursor at{calls};
  at.enter();
  for (chat_call_delta call; at.next();) {
    call.read(at);
    if (call.is_object && !on_call(call, out)) return false;
  }
  return true;
}

/// Some servers give all calls the index 0, or none: another id is another call.
bool responses_stream::on_call(const chat_call_delta& call, std::string& out) {
  std::string id;
  if (!call.id.empty()) append_inside(id, call.id);
  const auto is_same = [&](const known_call& known) {
    if (!id.empty() && items_[known.item].call_id != id) return false;
    return call.index.empty() || known.index == call.index;
  };
  auto known = std::find_if(calls_.rbegin(), calls_.rend(), is_same);
  if (known == calls_.rend()) {
    close_current("completed", out);
    response_item item;
    item.what = response_item::kind::call;
    item.call_id = id.empty() ? "call_" + frame_.suffix + "_" + std::to_string(items_.size()) : id;
    if (!call.name.empty()) append_inside(item.name, call.name);
    kept_bytes_ += call.name.size() + call.id.size();
    calls_.push_back({std::string{call.index.substr(0, 20)}, items_.size()});
    if (add_item(std::move(item), out) == nullptr) return false;
    known = calls_.rbegin();
  }
  if (call.arguments.empty()) return true;
  kept_bytes_ += call.arguments.size();
  if (kept_bytes_ > max_answer_bytes) return fail("the upstream's answer is too large", out);
  auto& item = items_[known->item];
  const auto before = item.arguments.size();
  append_inside(item.arguments, call.arguments);
  begin_event("response.function_call_arguments.delta", out);
  append_place(known->item, out);
  out.append(R"(,"delta":")").append(item.arguments, before).append("\"}\n\n");
  return true;
}

bool responses_stream::on_end(std::string& out) {
  if (!has_finish_) return fail("the upstream's stream ended before the model's answer did", out);
  is_over_ = true;
  state_.usage = usage_;
  state_.service_tier = service_tier_;
  begin_event(state_.status == "completed" ? "response.completed" : "response.incomplete", out);
  out += R"(,"response":)";
  append_response(out, frame_, state_, &items_);
  out += "}\n\n";
  return true;
}

bool responses_stream::finish(std::string& out) {
  // An event at the very end may lack its blank line.
  if (!has_failed_ && !is_over_ && !feed("\n\n", out)) return false;
  if (has_failed_) return false;
  return is_over_ || on_end(out);
}

void responses_stream::abort(std::string_view message, std::string& out) {
  if (!is_over_) fail(message, out);
}

bool responses_stream::fail(std::string_view message, std::string& out) {
  std::string error = R"({"message":)";
  codec::append_json_string(error, message);
  error += "}";
  return fail_with(error, out);
}

/// `error` is an object with a message, or a text.
bool responses_stream::fail_with(std::string_view error, std::string& out) {
  if (std::exchange(has_failed_, true)) return false;
  auto message = text_of(error, "message");
  if (message.empty() && error.size() > 2 && error.front() == '"')
    message = codec::unescape_json(error.substr(1, error.size() - 2));
  if (message.empty()) message = "the upstream broke the stream off with an error";
  append_error_event(out, operation::responses, text_of(error, "type"), text_of(error, "code"),
                     message, sequence_++);
  return false;
}

}  // namespace understudy::translate
