#include <understudy/codec/json_cursor.hpp>

#include "codec/json_skip.hpp"

namespace understudy::codec {

json_cursor::json_cursor(std::string_view text)
    : text_{text},
      at_{skip_space(text.data(), text.data() + text.size())},
      end_{text.data() + text.size()} {
  stand();
}

bool json_cursor::fail() {
  has_failed_ = true;
  is_on_value_ = false;
  at_ = end_;
  return false;
}

/// Only the first character is looked at: the value is checked when it is passed over.
bool json_cursor::stand() {
  if (at_ == end_) return fail();
  switch (*at_) {
    case '{':
      kind_ = json_kind::object;
      break;
    case '[':
      kind_ = json_kind::array;
      break;
    case '"':
      kind_ = json_kind::string;
      break;
    case 't':
    case 'f':
      kind_ = json_kind::boolean;
      break;
    case 'n':
      kind_ = json_kind::null;
      break;
    default:
      kind_ = json_kind::number;
  }
  is_on_value_ = true;
  return true;
}

bool json_cursor::enter() {
  const bool is_container = kind_ == json_kind::object || kind_ == json_kind::array;
  if (!is_on_value_ || !is_container) return false;
  if (depth_ == max_json_depth) return fail();
  auto& word = levels_[static_cast<std::size_t>(depth_) / 64];
  const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
  word = kind_ == json_kind::object ? (word | bit) : (word & ~bit);
  ++depth_;
  ++at_;
  is_on_value_ = false;
  is_first_ = true;
  return true;
}

bool json_cursor::pass() {
  json_skipper skipper{end_};
  const char* after = skipper.skip(at_);
  if (after == nullptr) return fail();
  at_ = after;
  is_on_value_ = false;
  return true;
}

bool json_cursor::next() {
  if (has_failed_ || depth_ == 0) return false;
  if (is_on_value_ && !pass()) return false;
  const bool is_in_object = is_object(depth_ - 1);
  at_ = skip_space(at_, end_);
  if (at_ == end_) return fail();
  if (*at_ == (is_in_object ? '}' : ']')) {
    ++at_;
    --depth_;
    is_first_ = false;
    key_ = {};
    return false;
  }
  if (!is_first_) {
    if (*at_ != ',') return fail();
    at_ = skip_space(at_ + 1, end_);
  }
  is_first_ = false;
  key_ = {};
  if (is_in_object && !read_key()) return false;
  return stand();
}

bool json_cursor::read_key() {
  if (at_ == end_ || *at_ != '"') return fail();
  json_skipper skipper{end_};
  const char* after = skipper.skip_string(at_ + 1);
  if (after == nullptr) return fail();
  key_ = {at_ + 1, static_cast<std::size_t>(after - at_ - 2)};
  key_has_escapes_ = skipper.has_escapes;
  at_ = skip_space(after, end_);
  if (at_ == end_ || *at_ != ':') return fail();
  at_ = skip_space(at_ + 1, end_);
  return true;
}

bool json_cursor::is_escaped_key(std::string_view name) const {
  return unescape_json(key_) == name;
}

std::string_view json_cursor::take() {
  const char* begin = at_;
  if (!is_on_value_ || !pass()) return {};
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

std::string_view json_cursor::take_raw_string() {
  if (!is_on_value_ || kind_ != json_kind::string) return {};
  const auto whole = take();
  return whole.size() < 2 ? std::string_view{} : whole.substr(1, whole.size() - 2);
}

bool json_cursor::finish() {
  if (has_failed_ || depth_ != 0) return false;
  if (is_on_value_ && !pass()) return false;
  return skip_space(at_, end_) == end_;
}

}  // namespace understudy::codec
