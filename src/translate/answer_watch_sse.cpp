#include <algorithm>

#include <understudy/codec/lines.hpp>

#include "translate/watch_parts.hpp"

/// Server-sent events of a watched answer (WHATWG HTML §9.2). Nearly every event lies whole in one
/// piece and has one line of data; that way costs two searches. The other handles the rest.
namespace understudy::translate {
namespace {

using codec::find_byte;
using codec::find_line_end;
using codec::take_line;

/// The value when `line` is that field.
bool read_field(std::string_view line, std::string_view name, std::string_view& value) {
  if (!line.starts_with(name)) return false;
  line.remove_prefix(name.size());
  if (!line.empty() && line.front() != ':') return false;
  line.remove_prefix(std::min<std::size_t>(line.size(), 1));
  if (line.starts_with(' ')) line.remove_prefix(1);
  value = line;
  return true;
}

}  // namespace

void answer_watch::feed_sse(std::string_view bytes) {
  while (!bytes.empty() && !progress_.has_fault()) {
    const bool is_fresh = pending_.empty() && !is_skipping_ && is_line_empty_;
    if (is_fresh && is_after_cr_) {
      is_after_cr_ = false;
      if (bytes.front() == '\n') bytes.remove_prefix(1);
      continue;
    }
    const char* end = bytes.data() + bytes.size();
    const char* next = is_fresh ? take_whole_event(bytes.data(), end) : nullptr;
    if (next != nullptr)
      bytes = {next, end};
    else
      feed_pending(bytes);
  }
}

/// Past the event; null where it is not whole, has several lines of data, or lines ending in CR.
const char* answer_watch::take_whole_event(const char* at, const char* end) {
  std::string_view type, data;
  bool has_data = false;
  for (const char* line = at;;) {
    const char* feed = line == end || *line == '\n' ? line : find_byte(line, end, '\n');
    if (feed == nullptr || feed == end) return nullptr;
    const char* stop = feed != line && feed[-1] == '\r' ? feed - 1 : feed;
    if (stop != line && find_byte(line, stop, '\r') != nullptr) return nullptr;
    if (static_cast<std::size_t>(feed + 1 - at) > max_event_bytes) return nullptr;
    if (stop == line) {
      if (has_data || !type.empty()) on_event(type, data);
      return feed + 1;
    }
    const std::string_view text{line, stop};
    if (has_data && text.starts_with("data")) return nullptr;
    if (read_field(text, "data", data))
      has_data = true;
    else
      read_field(text, "event", type);
    line = feed + 1;
  }
}

/// Length up to and with the line end that closes the block, or npos.
std::size_t answer_watch::find_block_end(std::string_view bytes, bool is_comment) {
  const char* end = bytes.data() + bytes.size();
  for (const char* at = bytes.data(); at != end; ++at) {
    const char* stop = find_line_end(at, end);
    if (stop != at) {
      is_after_cr_ = is_line_empty_ = false;
      at = stop;
      if (at == end) break;
    }
    if (*at == '\n' && is_after_cr_) {  // second half of CR LF
      is_after_cr_ = false;
      continue;
    }
    is_after_cr_ = *at == '\r';
    const bool is_end = is_line_empty_ || is_comment;
    is_line_empty_ = true;
    if (is_end) return static_cast<std::size_t>(at + 1 - bytes.data());
  }
  return std::string_view::npos;
}

/// Takes from the front of `bytes`, to the end of the event or all. A comment in front of an event
/// is a block of its own: they may come for ever.
void answer_watch::feed_pending(std::string_view& bytes) {
  const char first = pending_.empty() ? bytes.front() : pending_.front();
  const bool is_comment = first == ':' && !is_skipping_;
  const auto length = find_block_end(bytes, is_comment);
  const bool is_end = length != std::string_view::npos;
  const auto taken = bytes.substr(0, length);
  bytes.remove_prefix(taken.size());
  if (is_comment) {
    pending_.assign(is_end ? "" : ":");
  } else if (is_skipping_) {
    is_skipping_ = !is_end;
  } else if (pending_.size() + taken.size() > max_event_bytes) {
    pending_.append(taken.substr(0, max_event_bytes - pending_.size()));
    is_skipping_ = !is_end;
    on_large_event(pending_);
    pending_.clear();
  } else if (!is_end) {
    pending_.append(taken);
  } else if (pending_.empty()) {
    read_block(taken);
  } else {
    pending_.append(taken);
    read_block(pending_);
    pending_.clear();
  }
}

void answer_watch::read_block(std::string_view block) {
  std::string_view type, data;
  std::size_t data_lines = 0;
  while (!block.empty()) {
    const auto line = take_line(block);
    std::string_view value;
    if (read_field(line, "data", value)) {
      if (data_lines == 1) joined_.assign(data);
      if (data_lines > 0) joined_.append("\n").append(value);
      if (data_lines == 0) data = value;
      ++data_lines;
    } else {
      read_field(line, "event", type);
    }
  }
  if (data_lines > 1) data = joined_;
  if (data_lines > 0 || !type.empty()) on_event(type, data);
}

/// What the begin of an event tells that is too large to keep.
void answer_watch::on_large_event(std::string_view prefix) {
  std::string_view type, data;
  while (!prefix.empty() && data.empty()) {
    const auto line = take_line(prefix);
    if (!read_field(line, "data", data)) read_field(line, "event", type);
  }
  if (wire_ == wire::responses) return watch_large_responses(progress_, type, data);
  if (!data.empty()) progress_.on_content();
  // Blocks of Anthropic's answers may be large; none of them is the end.
  if (wire_ != wire::anthropic || !type.starts_with("content_block")) progress_.on_blind();
}

}  // namespace understudy::translate
