#include <limits>
#include <optional>
#include <utility>

#include "plan/cel_lexer.hpp"
#include "plan/cel_program.hpp"

/// Grammar and types of CEL (google/cel-spec, langdef.md), checked while it is read.
namespace understudy::plan::cel {
namespace {

struct operator_entry {
  std::string_view text;
  node_kind kind;
  int precedence;  ///< higher binds more tightly
};

constexpr operator_entry operators[] = {
    {"||", node_kind::either, 1},  {"&&", node_kind::both, 2},
    {"==", node_kind::equal, 3},   {"!=", node_kind::unequal, 3},
    {"<", node_kind::less, 3},     {"<=", node_kind::less_equal, 3},
    {">", node_kind::greater, 3},  {">=", node_kind::greater_equal, 3},
    {"+", node_kind::add, 4},      {"-", node_kind::subtract, 4},
    {"*", node_kind::multiply, 5}, {"/", node_kind::divide, 5},
    {"%", node_kind::modulo, 5},
};

struct variable_entry {
  std::string_view name;
  variable_name variable;
  type result;
};

constexpr variable_entry variable_table[] = {
    {"model", variable_name::model, type::string},
    {"backend", variable_name::backend, type::string},
    {"route_name", variable_name::route_name, type::string},
    {"input_tokens", variable_name::input_tokens, type::uint_},
    {"cached_input_tokens", variable_name::cached_input_tokens, type::uint_},
    {"cache_creation_input_tokens", variable_name::cache_creation_input_tokens, type::uint_},
    {"output_tokens", variable_name::output_tokens, type::uint_},
    {"total_tokens", variable_name::total_tokens, type::uint_},
    {"reasoning_tokens", variable_name::reasoning_tokens, type::uint_},
};

constexpr std::size_t max_nodes = 1'000;  // a chain of operators is as deep as it is long

bool is_number(type t) { return t == type::int_ || t == type::uint_ || t == type::double_; }

class parser {
 public:
  explicit parser(std::string_view text) : lexer_{text} { advance(); }

  base::result<program, failure> parse() {
    const auto root = expression();
    if (!error_ && now_.kind != token_kind::end)
      fail(now_.at, "more text than an expression; write an operator before it, or remove it");
    if (auto failed = lexer_.error() ? lexer_.error() : error_) return std::move(*failed);
    const auto t = out_.nodes[root].result;
    if (t != type::int_ && t != type::uint_)
      return failure{
          0, "gives a " + std::string{name(t)} + "; a cost is an int or a uint, as in `uint(…)`"};
    out_.root = root;
    return program{std::make_shared<const program::impl>(std::move(out_))};
  }

 private:
  // Every level of nesting passes here.
  node_index expression() {
    if (++depth_ > max_depth) return fail(now_.at, "is nested too deeply; write it flatter");
    auto made = binary(1);
    if (!error_ && now_.is("?")) made = choice(made);
    --depth_;
    return made;
  }

  node_index choice(node_index condition) {
    const auto at = now_.at;
    advance();
    node n;
    n.kind = node_kind::choose;
    n.a = condition;
    n.b = expression();
    if (error_) return no_node;
    if (!now_.is(":")) return fail(now_.at, "`?` needs its `:` here");
    advance();
    n.c = expression();
    if (error_) return no_node;
    if (type_of(n.a) != type::boolean)
      return fail(at, "`?` asks a " + text_of(n.a) + "; write a comparison before it");
    if (type_of(n.b) != type_of(n.c))
      return fail(at, "the two sides of `:` are " + text_of(n.b) + " and " + text_of(n.c) +
                          "; make them the same, as with `uint(…)`");
    n.result = type_of(n.b);
    return add(std::move(n));
  }

  static const operator_entry* operator_of(const token& t) {
    if (t.kind != token_kind::mark) return nullptr;
    for (const auto& entry : operators)
      if (entry.text == t.text) return &entry;
    return nullptr;
  }

  node_index binary(int lowest) {
    auto left = unary();
    while (!error_) {
      if (lowest <= 3 && now_.kind == token_kind::identifier && now_.text == "in") {
        left = membership(left);
        continue;
      }
      const auto* entry = operator_of(now_);
      if (entry == nullptr || entry->precedence < lowest) break;
      const auto at = now_.at;
      advance();
      const auto right = binary(entry->precedence + 1);
      if (error_) break;
      left = combine(*entry, at, left, right);
    }
    return left;
  }

  node_index combine(const operator_entry& with, std::size_t at, node_index a, node_index b) {
    node n;
    n.kind = with.kind;
    n.a = a;
    n.b = b;
    const auto t = type_of(a);
    const std::string sides = text_of(a) + " and " + text_of(b);
    const std::string mark = "`" + std::string{with.text} + "`";
    if (with.precedence <= 2) {
      if (t != type::boolean || type_of(b) != type::boolean)
        return fail(at, mark + " joins " + sides + "; write comparisons on both sides");
      n.result = type::boolean;
    } else if (t != type_of(b)) {
      return fail(at, mark + " between " + sides + "; " + remedy(t, type_of(b)));
    } else if (with.precedence == 3) {
      n.result = type::boolean;
    } else {
      if (!is_number(t) || (t == type::double_ && with.kind == node_kind::modulo))
        return fail(at, mark + " does not act on a " + text_of(a) + "; write numbers");
      n.result = t;
    }
    return add(std::move(n));
  }

  /// Counts of tokens are uint, and so must be the numbers beside them.
  static std::string remedy(type a, type b) {
    const bool is_mixed =
        (a == type::uint_ && b == type::int_) || (a == type::int_ && b == type::uint_);
    if (is_mixed) return "write numbers beside token counts with a `u`, as in `2u`";
    if (is_number(a) && is_number(b)) return "convert one of them, as with `double(…)`";
    return "both sides must have one type";
  }

  node_index membership(node_index sought) {
    const auto at = now_.at;
    advance();
    if (!now_.is("[")) return fail(now_.at, "`in` needs a list here, as in `[\"a\", \"b\"]`");
    advance();
    node n;
    n.kind = node_kind::in_list;
    n.a = sought;
    n.result = type::boolean;
    while (!error_ && !now_.is("]")) {
      n.list.push_back(expression());
      if (error_) return no_node;
      if (type_of(n.list.back()) != type_of(sought))
        return fail(at, "a " + text_of(sought) + " is sought in a list with a " +
                            text_of(n.list.back()) + "; write values of its type");
      if (now_.is(","))
        advance();
      else if (!now_.is("]"))
        return fail(now_.at, "a list needs `,` or `]` here");
    }
    if (error_) return no_node;
    advance();
    return add(std::move(n));
  }

  node_index unary() {
    if (!now_.is("-") && !now_.is("!")) return member();
    const bool is_minus = now_.is("-");
    const auto at = now_.at;
    advance();
    if (is_minus && now_.kind == token_kind::int_literal) return int_literal(true);
    if (++depth_ > max_depth) return fail(at, "is nested too deeply; write it flatter");
    const auto operand = unary();
    --depth_;
    if (error_) return no_node;
    node n;
    n.kind = is_minus ? node_kind::negate : node_kind::invert;
    n.a = operand;
    n.result = type_of(operand);
    const bool is_fine =
        is_minus ? n.result == type::int_ || n.result == type::double_ : n.result == type::boolean;
    if (!is_fine)
      return fail(at, std::string{is_minus ? "`-`" : "`!`"} + " does not act on a " +
                          text_of(operand) +
                          (is_minus ? "; convert it, as with `int(…)`" : "; write a comparison"));
    return add(std::move(n));
  }

  /// `x.method(argument)`.
  node_index member() {
    auto made = primary();
    while (!error_ && now_.is(".")) {
      advance();
      const token method = now_;
      if (method.kind != token_kind::identifier)
        return fail(method.at, "a name is missing behind `.`");
      advance();
      made = call_on(made, method);
    }
    return made;
  }

  node_index call_on(node_index subject, const token& method) {
    constexpr std::pair<std::string_view, node_kind> methods[] = {
        {"startsWith", node_kind::starts_with},
        {"endsWith", node_kind::ends_with},
        {"contains", node_kind::contains},
        {"size", node_kind::size_of}};
    for (const auto& [text, kind] : methods) {
      if (text != method.text) continue;
      if (type_of(subject) != type::string)
        return fail(method.at,
                    "`" + std::string{text} + "` is of strings, not of a " + text_of(subject));
      node n;
      n.kind = kind;
      n.a = subject;
      n.result = kind == node_kind::size_of ? type::int_ : type::boolean;
      if (!open()) return no_node;
      if (kind != node_kind::size_of) {
        n.b = expression();
        if (error_) return no_node;
        if (type_of(n.b) != type::string)
          return fail(method.at,
                      "`" + std::string{text} + "` takes a string, not a " + text_of(n.b));
      }
      if (!close()) return no_node;
      return add(std::move(n));
    }
    return fail(method.at, "`" + std::string{method.text} +
                               "` is not known here; there are startsWith, endsWith, contains and "
                               "size");
  }

  node_index primary() {
    switch (now_.kind) {
      case token_kind::int_literal:
        return int_literal(false);
      case token_kind::uint_literal: {
        node n;
        n.result = type::uint_;
        n.uint_value = now_.number;
        return take(std::move(n));
      }
      case token_kind::double_literal: {
        node n;
        n.result = type::double_;
        n.double_value = now_.real;
        return take(std::move(n));
      }
      case token_kind::string_literal: {
        node n;
        n.result = type::string;
        n.text = now_.string;
        return take(std::move(n));
      }
      case token_kind::identifier:
        return named();
      case token_kind::mark:
        if (now_.is("(")) {
          advance();
          const auto inner = expression();
          if (error_ || !close()) return no_node;
          return inner;
        }
        break;
      case token_kind::end:
        break;
    }
    return fail(now_.at, "an expression is missing here; write a variable or a number");
  }

  node_index int_literal(bool is_negative) {
    constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    node n;
    if (now_.number > limit + (is_negative ? 1U : 0U))
      return fail(now_.at, "is no number that fits into an int; write it with a `u`");
    n.int_value = is_negative ? static_cast<std::int64_t>(0 - now_.number)
                              : static_cast<std::int64_t>(now_.number);
    return take(std::move(n));
  }

  node_index named() {
    const token word = now_;
    advance();
    if (word.text == "true" || word.text == "false") {
      node n;
      n.result = type::boolean;
      n.bool_value = word.text == "true";
      return add(std::move(n));
    }
    if (now_.is("(")) return conversion(word);
    for (const auto& entry : variable_table) {
      if (entry.name != word.text) continue;
      node n;
      n.kind = node_kind::variable;
      n.variable = entry.variable;
      n.result = entry.result;
      return add(std::move(n));
    }
    std::string known;
    for (const auto& entry : variable_table)
      known.append(known.empty() ? "" : ", ").append(entry.name);
    return fail(word.at, "`" + std::string{word.text} + "` is no variable; there are " + known);
  }

  node_index conversion(const token& word) {
    constexpr std::pair<std::string_view, type> targets[] = {
        {"int", type::int_}, {"uint", type::uint_}, {"double", type::double_}};
    node n;
    n.kind = node_kind::size_of;
    n.result = type::int_;
    for (const auto& [text, t] : targets)
      if (text == word.text) {
        n.kind = node_kind::convert;
        n.result = t;
      }
    if (n.kind == node_kind::size_of && word.text != "size")
      return fail(word.at, "`" + std::string{word.text} +
                               "` is no function here; there are int, uint, double and size");
    if (!open()) return no_node;
    n.a = expression();
    if (error_ || !close()) return no_node;
    const auto from = type_of(n.a);
    if (n.kind == node_kind::size_of ? from != type::string : !is_number(from))
      return fail(word.at, "`" + std::string{word.text} + "` does not act on a " + text_of(n.a));
    return add(std::move(n));
  }

  bool open() {
    if (!now_.is("(")) {
      fail(now_.at, "`(` is missing here");
      return false;
    }
    advance();
    return true;
  }
  bool close() {
    if (!now_.is(")")) {
      fail(now_.at, "`)` is missing here");
      return false;
    }
    advance();
    return true;
  }

  node_index take(node&& n) {
    advance();
    return add(std::move(n));
  }
  node_index add(node&& n) {
    if (out_.nodes.size() >= max_nodes) return fail(now_.at, "is too long; write a shorter one");
    out_.nodes.push_back(std::move(n));
    return static_cast<node_index>(out_.nodes.size() - 1);
  }
  void advance() { now_ = lexer_.next(); }
  node_index fail(std::size_t at, std::string message) {
    if (!error_) error_ = failure{at, std::move(message)};
    return no_node;
  }
  type type_of(node_index index) const { return out_.nodes[index].result; }
  std::string text_of(node_index index) const { return std::string{name(type_of(index))}; }

  lexer lexer_;
  token now_;
  program::impl out_;
  std::size_t depth_ = 0;
  std::optional<failure> error_;
};

}  // namespace

std::string_view name(type t) {
  switch (t) {
    case type::int_:
      return "int";
    case type::uint_:
      return "uint";
    case type::double_:
      return "double";
    case type::boolean:
      return "bool";
    case type::string:
      return "string";
  }
  return "value";
}

base::result<program, failure> compile(std::string_view text) {
  if (text.size() > max_text_bytes)
    return failure{max_text_bytes, "is longer than 4096 bytes; write a shorter one"};
  return parser{text}.parse();
}

}  // namespace understudy::plan::cel
