#include <cmath>
#include <limits>

#include "plan/cel_program.hpp"

namespace understudy::plan::cel {
namespace {

/// One value of a type that the checker knows.
struct value {
  std::int64_t i = 0;
  std::uint64_t u = 0;
  double d = 0;
  bool b = false;
  std::string_view s = {};
};

using outcome = base::result<value, fault>;

value of_int(std::int64_t i) { return {.i = i}; }
value of_uint(std::uint64_t u) { return {.u = u}; }
value of_double(double d) { return {.d = d}; }
value of_bool(bool b) { return {.b = b}; }

class evaluator {
 public:
  evaluator(const program::impl& p, const variables& with) : nodes_{p.nodes}, with_{with} {}

  outcome run(node_index index) const {
    const auto& n = nodes_[index];
    switch (n.kind) {
      case node_kind::literal:
        return value{n.int_value, n.uint_value, n.double_value, n.bool_value, n.text};
      case node_kind::variable:
        return variable(n.variable);
      case node_kind::negate:
      case node_kind::invert:
      case node_kind::convert:
      case node_kind::size_of:
        return unary(n);
      case node_kind::both:
      case node_kind::either:
        return logical(n);
      case node_kind::choose: {
        const auto condition = run(n.a);
        if (!condition) return condition;
        return run(condition->b ? n.b : n.c);
      }
      case node_kind::in_list:
        return in_list(n);
      default:
        return binary(n);
    }
  }

 private:
  outcome variable(variable_name name) const {
    switch (name) {
      case variable_name::model:
        return value{.s = with_.model};
      case variable_name::backend:
        return value{.s = with_.backend};
      case variable_name::route_name:
        return value{.s = with_.route_name};
      case variable_name::input_tokens:
        return of_uint(with_.input_tokens);
      case variable_name::cached_input_tokens:
        return of_uint(with_.cached_input_tokens);
      case variable_name::cache_creation_input_tokens:
        return of_uint(with_.cache_creation_input_tokens);
      case variable_name::output_tokens:
        return of_uint(with_.output_tokens);
      case variable_name::total_tokens:
        return of_uint(with_.total_tokens);
      case variable_name::reasoning_tokens:
        return of_uint(with_.reasoning_tokens);
    }
    return value{};
  }

  outcome unary(const node& n) const {
    const auto operand = run(n.a);
    if (!operand) return operand;
    const auto from = nodes_[n.a].result;
    switch (n.kind) {
      case node_kind::invert:
        return of_bool(!operand->b);
      case node_kind::size_of:
        return of_int(static_cast<std::int64_t>(code_points(operand->s)));
      case node_kind::negate:
        if (from == type::double_) return of_double(-operand->d);
        if (operand->i == std::numeric_limits<std::int64_t>::min()) return fault::overflow;
        return of_int(-operand->i);
      default:
        return convert(*operand, from, n.result);
    }
  }

  static std::size_t code_points(std::string_view text) {
    std::size_t n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1U : 0U;
    return n;
  }

  static outcome convert(const value& v, type from, type to) {
    if (from == to) return v;
    if (to == type::double_)
      return of_double(from == type::int_ ? static_cast<double>(v.i) : static_cast<double>(v.u));
    if (to == type::int_) {
      if (from == type::uint_)
        return v.u > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                   ? outcome{fault::out_of_range}
                   : outcome{of_int(static_cast<std::int64_t>(v.u))};
      // 2^63 and everything beyond is no int; comparisons are false for NaN.
      if (!(v.d > -9223372036854775808.0 && v.d < 9223372036854775808.0))
        return fault::out_of_range;
      return of_int(static_cast<std::int64_t>(v.d));
    }
    if (from == type::int_)
      return v.i < 0 ? outcome{fault::out_of_range}
                     : outcome{of_uint(static_cast<std::uint64_t>(v.i))};
    if (!(v.d >= 0 && v.d < 18446744073709551616.0)) return fault::out_of_range;
    return of_uint(static_cast<std::uint64_t>(v.d));
  }

  /// An error on one side does not matter where the other side decides.
  outcome logical(const node& n) const {
    const bool deciding = n.kind == node_kind::either;
    const auto left = run(n.a);
    if (left && left->b == deciding) return of_bool(deciding);
    const auto right = run(n.b);
    if (right && right->b == deciding) return of_bool(deciding);
    if (!left) return left;
    return right;
  }

  outcome in_list(const node& n) const {
    const auto sought = run(n.a);
    if (!sought) return sought;
    const auto t = nodes_[n.a].result;
    for (const auto index : n.list) {
      const auto one = run(index);
      if (!one) return one;
      if (is_equal(*sought, *one, t)) return of_bool(true);
    }
    return of_bool(false);
  }

  static bool is_equal(const value& a, const value& b, type t) {
    switch (t) {
      case type::int_:
        return a.i == b.i;
      case type::uint_:
        return a.u == b.u;
      case type::double_:
        return a.d == b.d;
      case type::boolean:
        return a.b == b.b;
      case type::string:
        return a.s == b.s;
    }
    return false;
  }

  static bool is_less(const value& a, const value& b, type t) {
    switch (t) {
      case type::int_:
        return a.i < b.i;
      case type::uint_:
        return a.u < b.u;
      case type::double_:
        return a.d < b.d;
      case type::boolean:
        return !a.b && b.b;
      case type::string:
        return a.s < b.s;
    }
    return false;
  }

  outcome binary(const node& n) const {
    const auto left = run(n.a);
    if (!left) return left;
    const auto right = run(n.b);
    if (!right) return right;
    const auto t = nodes_[n.a].result;
    switch (n.kind) {
      case node_kind::equal:
        return of_bool(is_equal(*left, *right, t));
      case node_kind::unequal:
        return of_bool(!is_equal(*left, *right, t));
      case node_kind::less:
        return of_bool(is_less(*left, *right, t));
      case node_kind::greater:
        return of_bool(is_less(*right, *left, t));
      // Not the negation of the opposite: a NaN is neither.
      case node_kind::less_equal:
        return of_bool(is_less(*left, *right, t) || is_equal(*left, *right, t));
      case node_kind::greater_equal:
        return of_bool(is_less(*right, *left, t) || is_equal(*left, *right, t));
      case node_kind::starts_with:
        return of_bool(left->s.starts_with(right->s));
      case node_kind::ends_with:
        return of_bool(left->s.ends_with(right->s));
      case node_kind::contains:
        return of_bool(left->s.find(right->s) != std::string_view::npos);
      default:
        break;
    }
    if (t == type::double_) return double_arithmetic(n.kind, left->d, right->d);
    if (t == type::uint_) return uint_arithmetic(n.kind, left->u, right->u);
    return int_arithmetic(n.kind, left->i, right->i);
  }

  static outcome double_arithmetic(node_kind kind, double a, double b) {
    switch (kind) {
      case node_kind::add:
        return of_double(a + b);
      case node_kind::subtract:
        return of_double(a - b);
      case node_kind::multiply:
        return of_double(a * b);
      default:
        return of_double(a / b);
    }
  }

  static outcome uint_arithmetic(node_kind kind, std::uint64_t a, std::uint64_t b) {
    std::uint64_t r = 0;
    switch (kind) {
      case node_kind::add:
        if (__builtin_add_overflow(a, b, &r)) return fault::overflow;
        return of_uint(r);
      case node_kind::subtract:
        if (__builtin_sub_overflow(a, b, &r)) return fault::overflow;
        return of_uint(r);
      case node_kind::multiply:
        if (__builtin_mul_overflow(a, b, &r)) return fault::overflow;
        return of_uint(r);
      default:
        break;
    }
    if (b == 0) return fault::division_by_zero;
    return of_uint(kind == node_kind::divide ? a / b : a % b);
  }

  static outcome int_arithmetic(node_kind kind, std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    switch (kind) {
      case node_kind::add:
        if (__builtin_add_overflow(a, b, &r)) return fault::overflow;
        return of_int(r);
      case node_kind::subtract:
        if (__builtin_sub_overflow(a, b, &r)) return fault::overflow;
        return of_int(r);
      case node_kind::multiply:
        if (__builtin_mul_overflow(a, b, &r)) return fault::overflow;
        return of_int(r);
      default:
        break;
    }
    if (b == 0) return fault::division_by_zero;
    if (a == std::numeric_limits<std::int64_t>::min() && b == -1) return fault::overflow;
    return of_int(kind == node_kind::divide ? a / b : a % b);
  }

  const std::vector<node>& nodes_;
  const variables& with_;
};

}  // namespace

base::result<std::uint64_t, fault> program::evaluate(const variables& with) const {
  const auto result = evaluator{*impl_, with}.run(impl_->root);
  if (!result) return result.error();
  if (impl_->nodes[impl_->root].result == type::uint_) return result->u;
  if (result->i < 0) return fault::negative;
  return static_cast<std::uint64_t>(result->i);
}

std::string_view name(fault f) {
  switch (f) {
    case fault::none:
      return "no fault";
    case fault::division_by_zero:
      return "a division by zero";
    case fault::overflow:
      return "an overflow";
    case fault::out_of_range:
      return "a conversion out of range";
    case fault::negative:
      return "a negative result";
  }
  return "a fault";
}

}  // namespace understudy::plan::cel
