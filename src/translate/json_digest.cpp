#include <understudy/translate/json_digest.hpp>

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace understudy::translate {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

constexpr auto scalars = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view{"+-.0123456789aelnrstufE"})
    out[static_cast<unsigned char>(c)] = true;
  return out;
}();

/// Of numbers, true, false and null.
bool is_scalar(char c) { return scalars[static_cast<unsigned char>(c)]; }

/// Members that hold the answer itself: large, and of no use in the copy.
bool is_bulk(std::string_view text) {
  for (const std::string_view name : {"\"choices\":", "\"content\":", "\"candidates\":",
                                      "\"output\":", "\"data\":", "\"results\":"})
    if (text.ends_with(name)) return true;
  return false;
}

/// Not empty, so that a reader sees that there was something.
std::string_view placeholder(char first) {
  switch (first) {
    case '{':
      return R"({"":0})";
    case '[':
      return "[0]";
    case '"':
      return R"("-")";
    default:
      return "0";
  }
}

/// The next quote, bracket or brace, or `end`.
const char* find_structure(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i folded = _mm_or_si128(block, _mm_set1_epi8(0x20));  // [ to {, ] to }
    const __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                     _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')),
                                                  _mm_cmpeq_epi8(folded, _mm_set1_epi8('}'))));
    const auto bits = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (bits != 0) return at + __builtin_ctz(bits);
  }
#endif
  while (at != end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}') ++at;
  return at;
}

}  // namespace

void json_digest::reset() {
  auto kept = std::move(text_);
  *this = {};
  text_ = std::move(kept);
  text_.clear();
}

bool json_digest::feed(std::string_view bytes) {
  size_ += bytes.size();
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  while (at != end && next_ != expect::failure) {
    if (is_in_string_) {
      at = feed_string(at, end);
    } else if (is_in_scalar_) {
      at = feed_scalar(at, end);
    } else if ((is_eliding_ || is_full_) && depth_ > 1) {
      at = skim(at, end);
    } else {
      if (!is_space(*at) && !feed_mark(*at)) next_ = expect::failure;
      ++at;
    }
  }
  return next_ != expect::failure;
}

const char* json_digest::feed_string(const char* at, const char* end) {
  const char* from = at;
  if (is_in_escape_) {
    is_in_escape_ = false;
    ++at;
  }
  for (;;) {
    const auto* quote =
        static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    const char* stop = quote == nullptr ? end : quote;
    bool is_quote_escaped = false;
    while (at != stop) {
      const auto* slash =
          static_cast<const char*>(std::memchr(at, '\\', static_cast<std::size_t>(stop - at)));
      if (slash == nullptr) break;
      is_quote_escaped = slash + 1 == stop;
      if (is_quote_escaped) break;
      at = slash + 2;
    }
    if (quote == nullptr) {
      is_in_escape_ = is_quote_escaped;
      keep({from, end});
      return end;
    }
    at = quote + 1;
    if (!is_quote_escaped) break;
    if (at == end) {
      keep({from, end});
      return end;
    }
  }
  keep({from, at});
  is_in_string_ = false;
  if (is_key_)
    next_ = expect::colon;
  else
    end_value();
  return at;
}

const char* json_digest::feed_scalar(const char* at, const char* end) {
  const char* from = at;
  while (at != end && is_scalar(*at)) ++at;
  keep({from, at});
  if (at == end) return at;
  is_in_scalar_ = false;
  end_value();
  return at;
}

/// In a value that is not kept only strings and brackets are followed.
const char* json_digest::skim(const char* at, const char* end) {
  at = find_structure(at, end);
  if (at == end) return at;
  if (*at == '"') {
    is_in_string_ = true;
    is_key_ = false;
  } else if (*at == '{' || *at == '[') {
    if (!open(*at)) next_ = expect::failure;
  } else if (!close(*at)) {
    next_ = expect::failure;
  }
  return at + 1;
}

bool json_digest::feed_mark(char c) {
  switch (next_) {
    case expect::start:
      return (c == '{' || c == '[') && open(c);
    case expect::key_or_close:
      if (c == '}') return close(c);
      [[fallthrough]];
    case expect::key:
      if (c != '"') return false;
      if (depth_ == 1 && !begin_member()) is_full_ = true;
      keep("\"");
      is_in_string_ = is_key_ = true;
      return true;
    case expect::colon:
      if (c != ':') return false;
      keep(":");
      next_ = expect::value;
      return true;
    case expect::value_or_close:
      if (c == ']') return close(c);
      [[fallthrough]];
    case expect::value:
      return begin_value(c);
    case expect::comma_or_close:
      if (c != ',') return close(c);
      if (depth_ > 1) keep(",");
      next_ = is_in_object() ? expect::key : expect::value;
      return true;
    case expect::nothing:
    case expect::failure:
      break;
  }
  return false;
}

bool json_digest::begin_member() {
  if (is_full_ || text_.size() + max_value_bytes + 16 > max_bytes) return false;
  member_begin_ = text_.size();
  if (has_member_) text_.push_back(',');
  has_member_ = true;
  max_kept_ = max_value_bytes;
  value_begin_ = text_.size();  // of the name, until its value comes
  return true;
}

bool json_digest::begin_value(char c) {
  if (depth_ == 1) {
    if (!is_in_object() && !is_full_ && !begin_member()) is_full_ = true;
    value_begin_ = text_.size();
    max_kept_ = is_bulk(text_) ? max_bulk_bytes : max_value_bytes;
  }
  if (c == '{' || c == '[') return open(c);
  if (c == '"') {
    is_in_string_ = true;
    is_key_ = false;
  } else if (is_scalar(c)) {
    is_in_scalar_ = true;
  } else {
    return false;
  }
  keep({&c, 1});
  return true;
}

bool json_digest::open(char c) {
  if (depth_ == max_depth) return false;
  keep({&c, 1});
  auto& word = levels_[depth_ / 64];
  const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
  word = c == '{' ? (word | bit) : (word & ~bit);
  ++depth_;
  next_ = c == '{' ? expect::key_or_close : expect::value_or_close;
  return true;
}

bool json_digest::close(char c) {
  if (c != (is_in_object() ? '}' : ']')) return false;
  if (depth_ == 1)
    text_.push_back(c);
  else
    keep({&c, 1});
  --depth_;
  end_value();
  return true;
}

void json_digest::end_value() {
  if (depth_ == 1) is_eliding_ = false;
  next_ = depth_ == 0 ? expect::nothing : expect::comma_or_close;
}

void json_digest::keep(std::string_view piece) {
  if (is_eliding_ || is_full_) return;
  const bool is_name = is_in_string_ && is_key_ && depth_ == 1;
  const auto size = text_.size() - value_begin_ + piece.size();
  if (size <= (is_name ? max_value_bytes / 2 : max_kept_)) {
    if (piece.size() == 1)
      text_.push_back(piece.front());
    else
      text_ += piece;
    return;
  }
  if (is_name) {  // a name as long as that is none that is looked for
    text_.resize(member_begin_);
    is_full_ = true;
    return;
  }
  const char first = value_begin_ < text_.size() ? text_[value_begin_] : piece.front();
  text_.resize(value_begin_);
  text_ += placeholder(first);
  is_eliding_ = true;
}

}  // namespace understudy::translate
