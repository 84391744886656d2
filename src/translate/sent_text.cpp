#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/stream_resume.hpp>

#include "translate/client_event.hpp"

namespace understudy::translate {
namespace {

constexpr std::size_t max_event_bytes = std::size_t{1} << 20;
/// Ids and names of models; a longer one is not kept, and the second answer's stays.
constexpr std::size_t max_value_bytes = 512;

void keep_first(std::string& kept, std::string_view value) {
  if (kept.empty() && value.size() <= max_value_bytes) kept = value;
}

}  // namespace

bool can_resume(operation op) {
  return op == operation::chat_completions || op == operation::completions ||
         op == operation::messages;
}

sent_text::sent_text(operation op, std::size_t max_bytes)
    : op_{op}, max_bytes_{max_bytes}, scanner_{2 * max_event_bytes} {
  if (!can_resume(op)) give_up();
}

void sent_text::give_up() {
  is_overflowing_ = true;
  text_ = {};
}

/// Length up to and with the last line end that closes an event; 0: none does.
std::size_t sent_text::whole_events(std::string_view bytes) {
  std::size_t whole = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n' && is_after_cr_) {  // second half of CR LF
      is_after_cr_ = false;
      if (whole == i && i > 0) ++whole;
      continue;
    }
    is_after_cr_ = c == '\r';
    const bool is_line_end = c == '\r' || c == '\n';
    if (is_line_end && is_line_empty_) whole = i + 1;
    is_line_empty_ = is_line_end;
  }
  return whole;
}

void sent_text::pass(std::string_view bytes, std::string& out) {
  const auto whole = is_overflowing_ ? bytes.size() : whole_events(bytes);
  held_ += bytes.substr(0, whole);
  if (whole > 0) {
    out += held_;
    if (!is_overflowing_) read(held_);
    held_.clear();
  }
  held_ += bytes.substr(whole);
  if (held_.size() <= max_event_bytes) return;
  give_up();
  out += held_;
  held_ = {};
}

void sent_text::finish(std::string& out) {
  out += held_;
  if (!is_overflowing_ && !held_.empty()) read(held_ + "\n\n");
  held_ = {};
}

void sent_text::read(std::string_view events) {
  codec::sse_event event;
  while (!is_overflowing_) {
    const auto step = scanner_.next(events, event);
    if (step == codec::sse_scanner::step::need_more) return;
    if (step == codec::sse_scanner::step::too_large) return give_up();
    if (!event.data.empty()) take(event);
  }
}

void sent_text::take(const codec::sse_event& event) {
  const auto e = read_client_event(op_, event);
  keep_first(id_, e.id);
  keep_first(created_, e.created);
  keep_first(model_, e.model);
  has_opening_ = has_opening_ || e.is_opening || e.text.size() > 2 || e.has_reasoning;
  has_reasoning_ = has_reasoning_ || e.has_reasoning;
  has_other_ = has_other_ || e.has_other || e.is_error || !e.is_readable;
  has_finish_ = has_finish_ || e.has_finish;
  is_complete_ = is_complete_ || e.is_end;
  if (e.is_block_start) {
    has_other_ = has_other_ || has_block_;  // more than one block of text
    has_block_ = true;
    block_index_ = e.index;
  }
  if (e.is_block_stop && has_block_ && e.index == block_index_) is_block_closed_ = true;
  if (e.text.size() <= 2) return;
  text_ += codec::unescape_json(e.text.substr(1, e.text.size() - 2));
  if (text_.size() > max_bytes_) give_up();
}

}  // namespace understudy::translate
