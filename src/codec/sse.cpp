#include <understudy/codec/sse.hpp>

#include <algorithm>
#include <utility>

#include <understudy/codec/lines.hpp>

namespace understudy::codec {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::string_view text_between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

bool has_cr_alone(std::string_view block) {
  for (auto i = block.find('\r'); i != std::string_view::npos; i = block.find('\r', i + 1))
    if (i + 1 < block.size() && block[i + 1] != '\n') return true;
  return false;
}

std::string_view value_of(std::string_view line, std::size_t colon) {
  if (colon == std::string_view::npos) return {};
  line.remove_prefix(colon + 1);
  if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

}  // namespace

/// Length up to and with the line end that closes the block, or npos.
std::size_t sse_scanner::find_block_end(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const char c = bytes[i];
    if (c == '\n' && is_after_cr_) {  // second half of CR LF
      is_after_cr_ = false;
      ++i;
      continue;
    }
    is_after_cr_ = c == '\r';
    if (c != '\r' && c != '\n') {
      is_line_empty_ = false;
      const char* begin = bytes.data();
      i = static_cast<std::size_t>(find_line_end(begin + i, begin + bytes.size()) - begin);
      continue;
    }
    ++i;
    if (is_line_empty_) return i;
    is_line_empty_ = true;
  }
  return std::string_view::npos;
}

/// Takes a block that lies whole in `bytes`, has at most one line of data and no line ending in CR
/// alone, as nearly every one: it is searched for the ends of its lines once. False where it isn't
/// so; nothing has changed then but what `out` holds.
bool sse_scanner::take_plain_block(std::string_view& bytes, sse_event& out, bool& is_event) {
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  if (has_bare_cr_ || (is_at_start_ && *begin == byte_order_mark.front())) return false;
  bool has_data = false;
  for (const char* line = begin;;) {
    const char* feed = line != end && *line == '\n' ? line : find_byte(line, end, '\n');
    if (feed == nullptr) return false;
    const char* stop = feed != line && feed[-1] == '\r' ? feed - 1 : feed;
    if (stop == line) {
      if (static_cast<std::size_t>(stop + 1 - begin) > max_event_bytes_) return false;
      is_at_start_ = false;
      is_event = has_data || !out.type.empty();
      bytes = text_between(feed + 1, end);
      return true;
    }
    if (find_byte(line, stop, '\r') != nullptr) return false;
    const auto text = text_between(line, stop);
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    if (name == "data") {
      if (std::exchange(has_data, true)) return false;
      out.data = value_of(text, colon);
    } else if (name == "event") {
      out.type = value_of(text, colon);
    } else if (name == "id") {
      out.id = value_of(text, colon);
    }
    line = feed + 1;
  }
}

bool sse_scanner::parse_block(std::string_view block, sse_event& out) {
  out = {};
  std::size_t data_lines = 0;
  if (is_at_start_ && block.starts_with(byte_order_mark))
    block.remove_prefix(byte_order_mark.size());
  is_at_start_ = false;
  while (!block.empty()) {
    const auto line = take_line(block);
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    const auto value = value_of(line, colon);
    if (name == "data") {
      if (data_lines == 0) {
        out.data = value;
      } else {
        if (data_lines == 1) joined_.assign(out.data);
        joined_.push_back('\n');
        joined_.append(value);
      }
      ++data_lines;
    } else if (name == "event") {
      out.type = value;
    } else if (name == "id") {
      out.id = value;
    }
  }
  if (data_lines > 1) out.data = joined_;
  return data_lines > 0 || !out.type.empty();
}

sse_scanner::step sse_scanner::next(std::string_view& bytes, sse_event& out) {
  if (has_failed_) return step::too_large;
  if (must_drop_pending_) {
    pending_.clear();
    must_drop_pending_ = false;
  }
  while (!bytes.empty()) {
    if (pending_.empty()) {
      if (std::exchange(is_after_cr_, false) && bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
      sse_event found;
      bool is_event = false;
      if (take_plain_block(bytes, found, is_event)) {
        if (!is_event) continue;
        out = found;
        return step::event;
      }
    }
    const auto length = find_block_end(bytes);
    const auto taken = bytes.substr(0, length);
    if (pending_.size() + taken.size() > max_event_bytes_) {
      has_failed_ = true;
      pending_ = {};
      return step::too_large;
    }
    bytes.remove_prefix(taken.size());
    if (length == std::string_view::npos) {
      pending_.append(taken);
      break;
    }
    std::string_view block = taken;
    has_bare_cr_ = has_bare_cr_ || has_cr_alone(taken) ||
                   (taken.ends_with('\r') && !bytes.empty() && bytes.front() != '\n');
    if (!pending_.empty()) {
      pending_.append(taken);
      block = pending_;
    }
    if (parse_block(block, out)) {
      must_drop_pending_ = true;
      return step::event;
    }
    pending_.clear();
  }
  return step::need_more;
}

}  // namespace understudy::codec
