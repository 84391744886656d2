#include <algorithm>
#include <utility>

#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/stream_resume.hpp>

#include "translate/client_event.hpp"

namespace understudy::translate {

stream_repeat::stream_repeat(const sent_text& sent, mode m, std::size_t repeated_tail)
    : op_{sent.op_},
      mode_{m},
      expected_{sent.text_},
      id_{sent.id_},
      created_{sent.created_},
      model_{sent.model_},
      block_index_{sent.block_index_},
      has_opening_{sent.has_opening_},
      has_block_{sent.has_block_},
      is_block_closed_{sent.is_block_closed_},
      has_finish_{sent.has_finish_} {
  if (m == mode::proceed)
    expected_.erase(0, expected_.size() - std::min(repeated_tail, expected_.size()));
  if (!sent.is_plain_text())
    fail("more than plain text had been sent");
  else if (sent.is_complete_)
    fail("the answer had come to its end");
  else if (m == mode::proceed && (has_finish_ || is_block_closed_))
    fail("the text had come to its end");
  else if (op_ == operation::messages && sent.has_reasoning_ && !has_block_)
    fail("the answer broke off in its reasoning");
}

bool stream_repeat::fail(std::string_view why) {
  if (why_.empty()) why_ = why;
  return false;
}

bool stream_repeat::feed(std::string_view bytes, std::string& out) {
  codec::sse_event event;
  while (why_.empty()) {
    const auto step = scanner_.next(bytes, event);
    if (step == codec::sse_scanner::step::need_more) return true;
    if (step == codec::sse_scanner::step::too_large) return fail("an event is too large");
    if (event.data.empty()) continue;
    const auto e = read_client_event(op_, event);
    if (!on_event(event, e, out)) return false;
  }
  return false;
}

bool stream_repeat::finish(std::string& out) {
  // An event at the very end may lack its blank line.
  if (!feed("\n\n", out)) return false;
  if (has_ended_ || (op_ != operation::messages && has_own_finish_)) return true;
  return fail("the second answer has no end, either");
}

void stream_repeat::emit(const codec::sse_event& event, const client_event& e,
                         std::string_view text, std::string& out) const {
  event_rewriter again{event};
  again.replace(e.text, text);
  again.replace(e.id, id_);
  again.replace(e.created, created_);
  again.replace(e.model, model_);
  again.append_to(out);
}

bool stream_repeat::on_event(const codec::sse_event& event, const client_event& e,
                             std::string& out) {
  if (!e.is_readable) return fail("an event that can't be read");
  if (e.is_error) return fail("the second answer broke off, too");
  if (e.has_other) return fail("the second answer holds more than plain text");
  if (has_ended_) return true;
  if (e.text.size() > 2) return on_text(event, e, out);
  if (e.has_finish || e.is_end) return on_end(event, e, out);
  if (e.has_reasoning) return on_reasoning(event, e, out);
  if (e.is_block_start) return on_block_start(event, e, out);
  if (e.is_block_stop) return on_block_stop(event, e, out);
  const bool is_second_opening = e.is_opening && has_opening_;
  if (is_second_opening || !is_past_repetition()) return true;
  has_opening_ = has_opening_ || e.is_opening;
  emit(event, e, {}, out);
  return true;
}

bool stream_repeat::on_text(const codec::sse_event& event, const client_event& e,
                            std::string& out) {
  const auto text = codec::unescape_json(e.text.substr(1, e.text.size() - 2));
  std::size_t repeated = 0;
  while (repeated < text.size() && matched_ < expected_.size() &&
         text[repeated] == expected_[matched_]) {
    ++repeated;
    ++matched_;
  }
  const bool has_more = repeated < text.size();
  if (has_more && !is_past_repetition()) {
    if (mode_ == mode::verify) return fail("the second answer's text differs");
    matched_ = expected_.size();
  }
  const bool is_text_over = has_finish_ || (is_block_closed_ && block_ == block::first_text);
  if (has_more && is_text_over) return fail("the second answer's text is longer");
  if (e.has_finish && !may_end()) return false;
  const bool is_new_finish = e.has_finish && !has_finish_;
  has_own_finish_ = has_own_finish_ || e.has_finish;
  has_finish_ = has_finish_ || e.has_finish;
  if (!has_more && !is_new_finish) return true;
  has_opening_ = true;
  std::string rest;
  if (repeated > 0) codec::append_json_string(rest, std::string_view{text}.substr(repeated));
  emit(event, e, rest, out);
  return true;
}

bool stream_repeat::may_end() {
  // White space that the request left out need not come again.
  if (mode_ == mode::proceed) matched_ = expected_.size();
  return is_past_repetition() || fail("the second answer's text is shorter");
}

bool stream_repeat::on_end(const codec::sse_event& event, const client_event& e, std::string& out) {
  if (!may_end()) return false;
  if (e.is_end && !has_own_finish_) return fail("the second answer has no reason for its end");
  const bool is_known = e.has_finish && has_finish_;
  has_own_finish_ = has_own_finish_ || e.has_finish;
  has_finish_ = has_finish_ || e.has_finish;
  has_ended_ = e.is_end;
  if (!is_known) emit(event, e, {}, out);
  return true;
}

/// Of what a model thinks, nothing comes again: behind text of the first answer it is left out.
bool stream_repeat::on_reasoning(const codec::sse_event& event, const client_event& e,
                                 std::string& out) {
  const bool is_first = mode_ == mode::verify && expected_.empty() && !has_block_;
  if (op_ == operation::messages) {
    if (has_own_block_) return fail("the second answer reasons behind its text");
    block_ = is_first ? block::later : block::dropped;
  }
  if (is_first) emit(event, e, {}, out);
  return true;
}

bool stream_repeat::on_block_start(const codec::sse_event& event, const client_event& e,
                                   std::string& out) {
  if (has_own_block_) {
    if (!is_past_repetition()) return fail("the second answer's text is shorter");
    if (!is_block_closed_) return fail("the second answer's blocks are others");
    block_ = block::later;
  } else {
    has_own_block_ = true;
    block_ = block::first_text;
    if (has_block_) return e.index == block_index_ || fail("the second answer's blocks are others");
    has_block_ = true;
  }
  emit(event, e, {}, out);
  return true;
}

bool stream_repeat::on_block_stop(const codec::sse_event& event, const client_event& e,
                                  std::string& out) {
  const auto stopped = std::exchange(block_, block::none);
  if (stopped == block::dropped) return true;
  if (stopped == block::first_text) {
    if (!may_end()) return false;
    if (std::exchange(is_block_closed_, true)) return true;
  }
  emit(event, e, {}, out);
  return true;
}

}  // namespace understudy::translate
