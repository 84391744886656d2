#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/plan/cel.hpp>

namespace understudy::plan::cel {

enum class token_kind : std::uint8_t {
  end,
  mark,        ///< an operator or bracket: `text`
  identifier,  ///< also `true`, `false`, `in`
  int_literal,
  uint_literal,
  double_literal,
  string_literal,
};

struct token {
  token_kind kind = token_kind::end;
  std::size_t at = 0;
  std::string_view text;  ///< as written
  std::string string;     ///< string_literal: what it says
  std::uint64_t number = 0;
  double real = 0;

  bool is(std::string_view mark) const { return kind == token_kind::mark && text == mark; }
};

/// Cuts an expression into tokens. Stays at its first failure.
class lexer {
 public:
  explicit lexer(std::string_view text) : text_{text} {}

  token next();
  const std::optional<failure>& error() const { return error_; }

 private:
  token number(std::size_t begin);
  token quoted(std::size_t begin);
  bool escape(std::string& out);
  token fail(std::size_t at, std::string message);
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<failure> error_;
};

}  // namespace understudy::plan::cel
