#include "translate/responses_stream.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "translate/error_event.hpp"

namespace understudy::translate {

using codec::json_kind;
using codec::json_reader;
using codec::json_value;

struct responses_stream::choice_parts {
  std::string_view delta, logprobs, finish;
};

/// Strings with their quotes; empty: absent.
struct responses_stream::call_delta {
  std::string_view index, id, name, arguments;
};

namespace {

std::string_view string_or_nothing(const json_value& value) {
  const bool is_string = value.kind == json_kind::string && value.text.size() > 2;
  return is_string ? value.text : std::string_view{};
}

std::string_view list_or_nothing(const json_value& value) {
  return value.kind == json_kind::array ? value.text : std::string_view{};
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

void append_list_element(std::string& list, std::string_view element) {
  if (!list.empty() && !element.empty()) list += ",";
  list += element;
}

struct part_words {
  std::string_view delta, done, member;
};

constexpr part_words words_of(response_part::kind what) {
  switch (what) {
    case response_part::kind::text:
      return {"response.output_text.delta", "response.output_text.done", "text"};
    case response_part::kind::refusal:
      return {"response.refusal.delta", "response.refusal.done", "refusal"};
    case response_part::kind::reasoning:
      break;
  }
  return {"response.reasoning_text.delta", "response.reasoning_text.done", "text"};
}

}  // namespace

// ---- what comes ----------------------------------------------------------------------------

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
  if (const auto error = codec::check_json(event.data))
    return fail("malformed event from the upstream: " + error->text(), out);
  if (event.type == "error") {
    const auto inner = codec::find_member(event.data, "error");
    return fail_with(inner ? inner->text : event.data, out);
  }
  return on_chunk(event.data, out);
}

void responses_stream::read_frame(const json_reader& member) {
  const auto& value = member.value();
  if (member.is_key("id") && value.kind == json_kind::string && value.text.size() > 2) {
    id_ = codec::unescape_json(value.raw_string());
  } else if (member.is_key("model") && value.kind == json_kind::string && value.text.size() > 2) {
    frame_.model.clear();
    append_inside(frame_.model, value.text);
  } else if (member.is_key("created") && value.kind == json_kind::number) {
    std::int64_t created = 0;
    const auto* end = value.text.data() + value.text.size();
    if (std::from_chars(value.text.data(), end, created).ptr == end && created > 0)
      frame_.created = created;
  }
}

bool responses_stream::on_chunk(std::string_view chunk, std::string& out) {
  json_reader reader{chunk};
  std::string_view choices;
  while (reader.next()) {
    const auto& value = reader.value();
    if (!is_begun_) read_frame(reader);
    if (reader.is_key("error") && value.kind != json_kind::null) return fail_with(value.text, out);
    if (reader.is_key("choices")) choices = list_or_nothing(value);
    if (reader.is_key("usage") && value.kind == json_kind::object) usage_ = chat_usage(value.text);
    if (reader.is_key("service_tier") && !string_or_nothing(value).empty()) {
      service_tier_.clear();
      append_inside(service_tier_, value.text);
    }
  }
  open_response(out);
  if (choices.empty() || has_finish_) return true;
  json_reader list{choices};
  while (list.next()) {
    choice_parts parts;
    json_reader choice{list.value().text};
    bool is_ours = choice.kind() == json_kind::object;
    while (choice.kind() == json_kind::object && choice.next()) {
      const auto& value = choice.value();
      if (choice.is_key("index")) is_ours = value.text == "0" || value.text == "null";
      if (choice.is_key("delta") && value.kind == json_kind::object) parts.delta = value.text;
      if (choice.is_key("logprobs")) parts.logprobs = value.text;
      if (choice.is_key("finish_reason")) parts.finish = string_or_nothing(value);
    }
    if (is_ours) return on_choice(parts, out);
  }
  return true;
}

bool responses_stream::on_choice(const choice_parts& choice, std::string& out) {
  if (!choice.delta.empty() && !on_delta(choice.delta, logprobs_of(choice.logprobs), out))
    return false;
  if (choice.finish.empty()) return true;
  if (choice.finish == R"("error")") return fail("the upstream broke the answer off", out);
  state_ = state_of_finish(choice.finish.substr(1, choice.finish.size() - 2));
  has_finish_ = true;
  close_all(out);
  return true;
}

bool responses_stream::on_delta(std::string_view delta, std::string_view logprobs,
                                std::string& out) {
  std::string_view text, reasoning, refusal, thinking, calls;
  json_reader reader{delta};
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("content")) text = string_or_nothing(value);
    if (reader.is_key("refusal")) refusal = string_or_nothing(value);
    if (reader.is_key("thinking_blocks")) thinking = list_or_nothing(value);
    if (reader.is_key("tool_calls")) calls = list_or_nothing(value);
    // Two names of one thing; some servers write both.
    if (reasoning.empty() && (reader.is_key("reasoning_content") || reader.is_key("reasoning")))
      reasoning = string_or_nothing(value);
  }
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
  json_reader list{calls};
  while (list.next()) {
    if (list.value().kind != json_kind::object) continue;
    call_delta call;
    json_reader members{list.value().text};
    while (members.next()) {
      const auto& value = members.value();
      if (members.is_key("index") && value.kind == json_kind::number) call.index = value.text;
      if (members.is_key("id")) call.id = string_or_nothing(value);
      if (!members.is_key("function") || value.kind != json_kind::object) continue;
      json_reader function{value.text};
      while (function.next()) {
        if (function.is_key("name")) call.name = string_or_nothing(function.value());
        if (function.is_key("arguments")) call.arguments = string_or_nothing(function.value());
      }
    }
    if (!on_call(call, out)) return false;
  }
  return true;
}

/// Some servers give all calls the index 0, or none: another id is another call.
bool responses_stream::on_call(const call_delta& call, std::string& out) {
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

// ---- what goes -----------------------------------------------------------------------------

void responses_stream::begin_event(std::string_view type, std::string& out) {
  out.append("event: ").append(type).append("\ndata: {\"type\":\"").append(type);
  out.append(R"(","sequence_number":)").append(std::to_string(sequence_++));
}

void responses_stream::append_place(std::size_t item, std::string& out) const {
  out.append(R"(,"item_id":")").append(items_[item].id);
  out.append(R"(","output_index":)").append(std::to_string(item));
}

void responses_stream::append_content_index(std::size_t item, std::string& out) const {
  out.append(R"(,"content_index":)").append(std::to_string(items_[item].parts.size() - 1));
}

void responses_stream::open_response(std::string& out) {
  if (is_begun_) return;
  is_begun_ = true;
  frame_.suffix = id_suffix(id_, frame_.created);
  for (const std::string_view type : {"response.created", "response.in_progress"}) {
    begin_event(type, out);
    out += R"(,"response":)";
    append_response(out, frame_, {}, nullptr);
    out += "}\n\n";
  }
}

/// Null, with the error written, where there are too many.
response_item* responses_stream::add_item(response_item item, std::string& out) {
  if (items_.size() == max_items) {
    fail("the upstream's answer has too many parts", out);
    return nullptr;
  }
  const auto index = items_.size();
  item.id = item_id(item, frame_.suffix, index);
  if (item.what != response_item::kind::call) current_ = index;
  items_.push_back(std::move(item));
  begin_event("response.output_item.added", out);
  out.append(R"(,"output_index":)").append(std::to_string(index)).append(R"(,"item":)");
  append_item(out, items_.back(), "in_progress", true);
  out += "}\n\n";
  return &items_.back();
}

/// The part of that kind which is open, or a new one.
response_part* responses_stream::open_part(part_kind what, std::string& out) {
  const auto kind =
      what == part_kind::reasoning ? response_item::kind::reasoning : response_item::kind::message;
  if (current_ && items_[*current_].what != kind) close_current("completed", out);
  if (!current_) {
    response_item item;
    item.what = kind;
    if (add_item(std::move(item), out) == nullptr) return nullptr;
  }
  auto& item = items_[*current_];
  if (!item.parts.empty() && item.parts.back().what == what) return &item.parts.back();
  if (item.parts.size() == max_items) {
    fail("the upstream's answer has too many parts", out);
    return nullptr;
  }
  close_part(*current_, out);
  auto& part = item.parts.emplace_back();
  part.what = what;
  begin_event("response.content_part.added", out);
  append_place(*current_, out);
  append_content_index(*current_, out);
  out += R"(,"part":)";
  append_part(out, part);
  out += "}\n\n";
  return &part;
}

bool responses_stream::say(part_kind what, std::string_view raw, std::string_view logprobs,
                           std::string& out) {
  kept_bytes_ += raw.size() + logprobs.size();
  if (kept_bytes_ > max_answer_bytes) return fail("the upstream's answer is too large", out);
  auto* part = open_part(what, out);
  if (part == nullptr) return false;
  const auto before = part->text.size();
  append_inside(part->text, raw);
  append_list_element(part->logprobs, logprobs);
  begin_event(words_of(what).delta, out);
  append_place(*current_, out);
  append_content_index(*current_, out);
  out.append(R"(,"delta":")").append(part->text, before).append("\"");
  if (what == part_kind::text) out.append(R"(,"logprobs":[)").append(logprobs).append("]");
  out += "}\n\n";
  return true;
}

/// The last part of the item, if there is one.
void responses_stream::close_part(std::size_t index, std::string& out) {
  const auto& item = items_[index];
  if (item.parts.empty()) return;
  const auto& part = item.parts.back();
  const auto words = words_of(part.what);
  begin_event(words.done, out);
  append_place(index, out);
  append_content_index(index, out);
  out.append(",\"").append(words.member).append("\":\"").append(part.text).append("\"");
  if (part.what == part_kind::text)
    out.append(R"(,"logprobs":[)").append(part.logprobs).append("]");
  out += "}\n\n";
  begin_event("response.content_part.done", out);
  append_place(index, out);
  append_content_index(index, out);
  out += R"(,"part":)";
  append_part(out, part);
  out += "}\n\n";
}

void responses_stream::close_item(std::size_t index, std::string_view status, std::string& out) {
  auto& item = items_[index];
  item.is_open = false;
  if (item.what == response_item::kind::call) {
    begin_event("response.function_call_arguments.done", out);
    append_place(index, out);
    out.append(R"(,"name":")").append(item.name);
    out.append(R"(","arguments":")").append(item.arguments).append("\"}\n\n");
  } else {
    close_part(index, out);
  }
  if (item.what == response_item::kind::reasoning && !thinking_.empty()) {
    item.sealed = seal_thinking("[" + std::exchange(thinking_, {}) + "]");
    signed_bytes_ = 0;
  }
  begin_event("response.output_item.done", out);
  out.append(R"(,"output_index":)").append(std::to_string(index)).append(R"(,"item":)");
  append_item(out, item, status);
  out += "}\n\n";
}

void responses_stream::close_current(std::string_view status, std::string& out) {
  if (!current_) return;
  close_item(*std::exchange(current_, std::nullopt), status, out);
}

void responses_stream::close_all(std::string& out) {
  current_.reset();
  for (std::size_t i = 0; i < items_.size(); ++i)
    if (items_[i].is_open) close_item(i, item_status(state_, i, items_.size()), out);
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
  std::string event;
  append_error_event(event, operation::responses, text_of(error, "type"), text_of(error, "code"),
                     message);
  // The type stays the first member, which is what readers of these events look at.
  constexpr std::string_view opening = R"(event: error.data: {"type":"error")";
  event.insert(opening.size(), R"(,"sequence_number":)" + std::to_string(sequence_++));
  out += event;
  return false;
}

}  // namespace understudy::translate
