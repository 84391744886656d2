#include <understudy/codec/plain_head.hpp>

#include <cstring>

#include "codec/char_class.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace understudy::codec {
namespace {

constexpr char_table name_table = table_of("-_");

bool is_printable(char c) { return c >= 0x20 && c < 0x7F; }

#if defined(__SSE2__)
__m128i load(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

/// 0xFF where low <= byte < low + count, unsigned.
__m128i is_within(__m128i block, char low, char count) {
  const __m128i from_low = _mm_sub_epi8(block, _mm_set1_epi8(low));
  const __m128i last = _mm_set1_epi8(static_cast<char>(count - 1));
  return _mm_cmpeq_epi8(_mm_min_epu8(from_low, last), from_low);
}
#endif

/// The first character that no name has.
const char* skip_name(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i block = load(at);
    const __m128i is_letter = is_within(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 26);
    const __m128i is_mark = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('-')),
                                         _mm_cmpeq_epi8(block, _mm_set1_epi8('_')));
    const __m128i is_fine =
        _mm_or_si128(_mm_or_si128(is_letter, is_mark), is_within(block, '0', 10));
    const auto others = static_cast<unsigned>(_mm_movemask_epi8(is_fine)) ^ 0xFFFFU;
    if (others != 0) return at + __builtin_ctz(others);
  }
#endif
  while (at != end && is_in(name_table, *at)) ++at;
  return at;
}

/// The first character that is neither printable ASCII nor a space.
const char* skip_printable(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const auto others =
        static_cast<unsigned>(_mm_movemask_epi8(is_within(load(at), 0x20, 0x7F - 0x20))) ^ 0xFFFFU;
    if (others != 0) return at + __builtin_ctz(others);
  }
#endif
  while (at != end && is_printable(*at)) ++at;
  return at;
}

bool is_at(const char* at, const char* end, std::string_view text) {
  return static_cast<std::size_t>(end - at) >= text.size() &&
         std::memcmp(at, text.data(), text.size()) == 0;
}

std::string_view view(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

bool is_plain_length(std::string_view value) {
  if (value.empty() || value.size() > 18) return false;
  for (const char c : value)
    if (c < '0' || c > '9') return false;
  return true;
}

class plain_fields {
 public:
  plain_fields(field_list& fields, std::size_t max_fields)
      : fields_{fields}, max_fields_{max_fields} {}

  /// Past the empty line, or null.
  const char* split(const char* at, const char* end) {
    fields_.clear();
    for (;;) {
      if (is_at(at, end, "\r\n")) {
        fields_.mark_checked();
        return at + 2;
      }
      const char* colon = skip_name(at, end);
      if (colon == at || colon == end || *colon != ':') return nullptr;
      const char* value = colon + 1;
      while (value != end && *value == ' ') ++value;
      const char* stop = skip_printable(value, end);
      if (!is_at(stop, end, "\r\n")) return nullptr;
      const char* last = stop;
      while (last != value && last[-1] == ' ') --last;
      if (fields_.size() >= max_fields_ || !take(view(at, colon), view(value, last)))
        return nullptr;
      at = stop + 2;
    }
  }

 private:
  /// False where the framing, or what becomes of the connection, is not said in the usual words.
  bool take(std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 7:
        if (base::iequals(name, "upgrade")) return false;
        break;
      case 10:
        if (base::iequals(name, "connection") && value != "keep-alive" && value != "close")
          return false;
        break;
      case 14:
        if (base::iequals(name, "content-length")) {
          if (is_framed_ || !is_plain_length(value)) return false;
          is_framed_ = true;
        }
        break;
      case 16:
        if (base::iequals(name, "proxy-connection")) return false;
        break;
      case 17:
        if (base::iequals(name, "transfer-encoding")) {
          if (is_framed_ || value != "chunked") return false;
          is_framed_ = true;
        }
        break;
      default:
        break;
    }
    fields_.add(name, value);
    return true;
  }

  field_list& fields_;
  std::size_t max_fields_;
  bool is_framed_ = false;
};

/// Bytes up to `behind`, or 0.
std::size_t size_of(std::string_view input, const char* behind, std::size_t max_bytes) {
  const auto size = behind == nullptr ? 0 : static_cast<std::size_t>(behind - input.data());
  return size <= max_bytes ? size : 0;
}

}  // namespace

std::size_t split_plain_request(std::string_view input, std::size_t max_bytes,
                                std::size_t max_fields, request_head& head) {
  constexpr std::string_view version = " HTTP/1.1\r\n";
  const char* begin = input.data();
  const char* end = begin + input.size();
  const char* space = begin;
  while (space != end && *space >= 'A' && *space <= 'Z') ++space;
  if (space == begin || space == end || *space != ' ') return 0;
  const char* stop = skip_printable(space + 1, end);
  // The version is printable, too; with more than one space in between it is not for us.
  if (stop - space < 11 || !is_at(stop - 9, end, version)) return 0;
  head.method = view(begin, space);
  head.target = view(space + 1, stop - 9);
  head.version = 11;
  if (head.target.find(' ') != std::string_view::npos) return 0;
  plain_fields fields{head.fields, max_fields};
  return size_of(input, fields.split(stop + 2, end), max_bytes);
}

std::size_t split_plain_response(std::string_view input, std::size_t max_bytes,
                                 std::size_t max_fields, response_head& head) {
  constexpr std::string_view version = "HTTP/1.1 ";
  const char* at = input.data();
  const char* end = at + input.size();
  if (!is_at(at, end, version)) return 0;
  at += version.size();
  if (end - at < 4 || *at < '1' || at[3] != ' ') return 0;
  head.status = 0;
  for (const char c : view(at, at + 3)) {
    if (c < '0' || c > '9') return 0;
    head.status = head.status * 10 + (c - '0');
  }
  const char* stop = skip_printable(at + 4, end);
  if (!is_at(stop, end, "\r\n")) return 0;
  head.reason = view(at + 4, stop);
  head.version = 11;
  plain_fields fields{head.fields, max_fields};
  return size_of(input, fields.split(stop + 2, end), max_bytes);
}

}  // namespace understudy::codec
