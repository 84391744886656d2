#include <utility>

#include "translate/raw_json.hpp"
#include "translate/responses_stream.hpp"

/// The events that responses_stream writes.
namespace understudy::translate {
namespace {

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

/// `{"type":"url_citation","url_citation":{…}}` of a chat is flat here.
bool responses_stream::on_annotations(std::string_view annotations, std::string& out) {
  codec::json_reader list{annotations};
  while (list.next()) {
    const auto citation = raw_object_of(list.value().text, "url_citation");
    if (citation.size() <= 2 || !codec::is_utf8(citation)) continue;
    kept_bytes_ += 2 * citation.size();
    if (kept_bytes_ > max_answer_bytes) return fail("the upstream's answer is too large", out);
    auto* part = open_part(part_kind::text, out);
    if (part == nullptr) return false;
    std::string flat = R"({"type":"url_citation",)";
    flat.append(citation.substr(1));
    append_list_element(part->annotations, flat);
    begin_event("response.output_text.annotation.added", out);
    append_place(*current_, out);
    append_content_index(*current_, out);
    out.append(R"(,"annotation_index":)").append(std::to_string(part->annotation_count++));
    out.append(R"(,"annotation":)").append(flat) += "}\n\n";
  }
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

}  // namespace understudy::translate
