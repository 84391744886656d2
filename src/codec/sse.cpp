#include <understudy/codec/sse.hpp>

#include <algorithm>

namespace understudy::codec {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Cuts the first line off, without its end.
std::string_view take_line(std::string_view& block) {
  const auto end = block.find_first_of("\r\n");
  const auto line = block.substr(0, end);
  if (end == std::string_view::npos) {
    block = {};
    return line;
  }
  const bool is_pair = block.substr(end, 2) == "\r\n";
  block.remove_prefix(end + (is_pair ? 2 : 1));
  return line;
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
      i = std::min(bytes.find_first_of("\r\n", i), bytes.size());
      continue;
    }
    ++i;
    if (is_line_empty_) return i;
    is_line_empty_ = true;
  }
  return std::string_view::npos;
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
