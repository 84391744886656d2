#include "plan/cel_lexer.hpp"

#include <charconv>
#include <cstdlib>

namespace understudy::plan::cel {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

token lexer::fail(std::size_t at, std::string message) {
  if (!error_) error_ = failure{at, std::move(message)};
  at_ = text_.size();
  return {token_kind::end, at, {}, {}, 0, 0};
}

token lexer::next() {
  for (;;) {
    while (at_ < text_.size() && std::string_view{" \t\r\n\f"}.find(text_[at_]) != text_.npos)
      ++at_;
    if (!text_.substr(at_).starts_with("//")) break;
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  const auto begin = at_;
  if (at_ >= text_.size()) return {token_kind::end, begin, {}, {}, 0, 0};
  const char c = text_[at_];
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(begin);
  if (c == '"' || c == '\'') return quoted(begin);
  if (is_letter(c)) {
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    return {token_kind::identifier, begin, text_.substr(begin, at_ - begin), {}, 0, 0};
  }
  for (const std::string_view mark : {"&&", "||", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%",
                                      "<",  ">",  "!",  "?",  ":",  "(",  ")", "[", "]", ",", "."})
    if (text_.substr(at_).starts_with(mark)) {
      at_ += mark.size();
      return {token_kind::mark, begin, text_.substr(begin, mark.size()), {}, 0, 0};
    }
  return fail(begin, "this character has no meaning here; write operators, names and numbers");
}

token lexer::number(std::size_t begin) {
  token out{token_kind::int_literal, begin, {}, {}, 0, 0};
  const bool is_hexadecimal = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
  bool is_real = false;
  if (is_hexadecimal) {
    at_ += 2;
    while (is_hex(peek())) ++at_;
  } else {
    while (is_digit(peek())) ++at_;
    if (peek() == '.' && is_digit(peek(1))) {
      is_real = true;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
    if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign))) {
      is_real = true;
      at_ += sign;
      while (is_digit(peek())) ++at_;
    }
  }
  const auto digits = text_.substr(begin, at_ - begin);
  if (is_real) {
    out.kind = token_kind::double_literal;
    out.real = std::strtod(std::string{digits}.c_str(), nullptr);
  } else {
    const char* first = digits.data() + (is_hexadecimal ? 2 : 0);
    const char* last = digits.data() + digits.size();
    const auto read = std::from_chars(first, last, out.number, is_hexadecimal ? 16 : 10);
    if (read.ec != std::errc{} || read.ptr != last)
      return fail(begin, "is no number that fits into 64 bits; write a smaller one");
    if (peek() == 'u' || peek() == 'U') {
      out.kind = token_kind::uint_literal;
      ++at_;
    }
  }
  if (is_letter(peek()) || is_digit(peek()))
    return fail(at_, "a number ends with its digits, or `u`; write a space or an operator here");
  out.text = text_.substr(begin, at_ - begin);
  return out;
}

token lexer::quoted(std::size_t begin) {
  token out{token_kind::string_literal, begin, {}, {}, 0, 0};
  const char quote = text_[at_++];
  while (peek() != quote) {
    if (at_ >= text_.size() || peek() == '\n' || peek() == '\r')
      return fail(begin, "this string does not end; write the closing quote");
    if (peek() != '\\') {
      out.string += text_[at_++];
      continue;
    }
    ++at_;
    if (!escape(out.string))
      return fail(at_ - 1, "no escape that is known here; write `\\\\` for a backslash");
  }
  ++at_;
  out.text = text_.substr(begin, at_ - begin);
  return out;
}

/// Behind a backslash.
bool lexer::escape(std::string& out) {
  constexpr std::string_view names = "\\\"'`?ntrabfv";
  constexpr std::string_view meanings = "\\\"'`?\n\t\r\a\b\f\v";
  const auto found = at_ < text_.size() ? names.find(text_[at_]) : names.npos;
  if (found == names.npos) return false;
  out += meanings[found];
  ++at_;
  return true;
}

}  // namespace understudy::plan::cel
