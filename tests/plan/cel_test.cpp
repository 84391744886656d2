#include <understudy/plan/cel.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::plan {

namespace {

cel::variables some() {
  cel::variables v;
  v.model = "gpt-4o";
  v.backend = "default/a/route/r/rule/0/ref/0";
  v.route_name = "default/r";
  v.input_tokens = 10;
  v.cached_input_tokens = 3;
  v.cache_creation_input_tokens = 2;
  v.output_tokens = 7;
  v.total_tokens = 17;
  v.reasoning_tokens = 1;
  return v;
}

}  // namespace

TEST_CASE("expressions of costs have CEL's values") {
  const std::vector<std::pair<std::string, std::uint64_t>> rows = {
      {"1", 1},
      {"1 + 2 * 3", 7},
      {"(1 + 2) * 3", 9},
      {"7 / 2", 3},
      {"7 % 4", 3},
      {"10 - 3 - 2", 5},
      {"-(-3)", 3},
      {"-3 + 5", 2},
      {"0x1F", 31},
      {"0xffu", 255},
      {"18446744073709551615u", 18446744073709551615ULL},
      {"input_tokens", 10},
      {"input_tokens + output_tokens * 4u", 38},
      {"input_tokens - cached_input_tokens", 7},
      {"cache_creation_input_tokens + reasoning_tokens", 3},
      {"total_tokens", 17},
      {"int(input_tokens) + 1", 11},
      {"uint(double(input_tokens) * 0.5)", 5},
      {"uint(2.9)", 2},
      {"int(-2.9) + 10", 8},
      {"uint(1e3)", 1000},
      {"model == 'gpt-4o' ? 2u : 1u", 2},
      {"model != \"gpt-4o\" ? 2u : 1u", 1},
      {"model in ['a', 'gpt-4o'] ? 1 : 0", 1},
      {"input_tokens in [] ? 1 : 0", 0},
      {"model.startsWith('gpt') && !model.endsWith('x') ? 5 : 6", 5},
      {"backend.contains('/rule/0/') ? 1 : 2", 1},
      {"route_name == 'default/r' ? 3 : 4", 3},
      {"size(model)", 6},
      {"model.size() * 2", 12},
      {"size('\xC3\xA9')", 1},
      {"size('a\\n\\\\b')", 4},
      {"input_tokens > 9u ? 1 : input_tokens > 5u ? 2 : 3", 1},
      {"input_tokens >= 11u ? 1 : 2", 2},
      {"1.5 < 2.0 ? 1 : 2", 1},
      {"'a' < 'b' ? 1 : 2", 1},
      {"false < true ? 1 : 2", 1},
      {"true || 1/0 == 1 ? 1 : 2", 1},
      {"1/0 == 1 || true ? 1 : 2", 1},
      {"1/0 == 1 && false ? 1 : 2", 2},
      {"output_tokens == 0u ? 0u : input_tokens / output_tokens", 1},
      {"// a remark\n 4", 4},
      {"  7  ", 7},
      {"-9223372036854775808 + 9223372036854775807 + 2", 1},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const auto made = cel::compile(text);
    REQUIRE(made.has_value());
    const auto value = made->evaluate(some());
    REQUIRE(value.has_value());
    CHECK(*value == expected);
  }
}

TEST_CASE("what CEL's checker refuses is refused, at its place") {
  struct row {
    std::string text;
    std::size_t offset;
    std::string part;
  };
  const std::vector<row> rows = {
      {"", 0, "missing"},
      {"input_tokens * 2", 13, "with a `u`"},
      {"2 + input_tokens", 2, "with a `u`"},
      {"input_tokens * 1.5", 13, "convert"},
      {"input_tokens == 1", 13, "with a `u`"},
      {"model + 1", 6, "one type"},
      {"model + model", 6, "does not act on a string"},
      {"1.5", 0, "gives a double"},
      {"input_tokens > 1u", 0, "gives a bool"},
      {"model", 0, "gives a string"},
      {"tokens", 0, "no variable"},
      {"true ? 1 : 2u", 5, "int and uint"},
      {"1 ? 1 : 2", 2, "asks a int"},
      {"1 && true ? 1 : 2", 2, "comparisons"},
      {"1 +", 3, "missing"},
      {"1 2", 2, "more text"},
      {"(1", 2, "`)`"},
      {"model.matches('a') ? 1 : 2", 6, "not known"},
      {"string(1)", 0, "no function"},
      {"int(model)", 0, "does not act"},
      {"input_tokens.size()", 13, "of strings"},
      {"-input_tokens", 0, "convert"},
      {"!1 ? 1 : 2", 0, "comparison"},
      {"1.0 % 2.0", 4, "does not act"},
      {"model in 'a' ? 1 : 2", 9, "list"},
      {"model in [1] ? 1 : 2", 6, "sought"},
      {"9223372036854775808", 0, "fits into an int"},
      {"18446744073709551616u", 0, "64 bits"},
      {"1a", 1, "ends with"},
      {"'abc", 0, "does not end"},
      {"'\\q' == model ? 1 : 2", 1, "escape"},
      {"1 @ 2", 2, "character"},
      {"1 = 2", 2, "character"},
      {"true ? 1", 8, "`:`"},
  };
  for (const auto& r : rows) {
    INFO(r.text);
    const auto made = cel::compile(r.text);
    REQUIRE(!made.has_value());
    CHECK(made.error().offset == r.offset);
    INFO(made.error().message);
    CHECK(made.error().message.find(r.part) != std::string::npos);
  }
}

TEST_CASE("what can't be computed is a fault") {
  using cel::fault;
  const std::vector<std::pair<std::string, fault>> rows = {
      {"1 / 0", fault::division_by_zero},
      {"1 % 0", fault::division_by_zero},
      {"1u / (input_tokens - 10u)", fault::division_by_zero},
      {"output_tokens - input_tokens", fault::overflow},
      {"18446744073709551615u + 1u", fault::overflow},
      {"18446744073709551615u * 2u", fault::overflow},
      {"9223372036854775807 + 1", fault::overflow},
      {"-9223372036854775808 - 1", fault::overflow},
      {"-(-9223372036854775807 - 1)", fault::overflow},
      {"(-9223372036854775807 - 1) / -1", fault::overflow},
      {"3 - 4", fault::negative},
      {"-1", fault::negative},
      {"uint(-1)", fault::out_of_range},
      {"uint(-0.5)", fault::out_of_range},
      {"int(18446744073709551615u)", fault::out_of_range},
      {"int(1e19)", fault::out_of_range},
      {"uint(1e20)", fault::out_of_range},
      {"uint(0.0 / 0.0)", fault::out_of_range},
      {"1/0 == 1 || false ? 1 : 2", fault::division_by_zero},
      {"1/0 == 1 && true ? 1 : 2", fault::division_by_zero},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const auto made = cel::compile(text);
    REQUIRE(made.has_value());
    const auto value = made->evaluate(some());
    REQUIRE(!value.has_value());
    CHECK(value.error() == expected);
  }
}

TEST_CASE("expressions are bounded in length and depth") {
  CHECK(!cel::compile(std::string(cel::max_text_bytes + 1, ' ') + "1").has_value());
  CHECK(!cel::compile(std::string(200, '(') + "1" + std::string(200, ')')).has_value());
  CHECK(!cel::compile(std::string(200, '!') + "true ? 1 : 2").has_value());
  CHECK(!cel::compile(std::string(200, '-') + "(1)").has_value());
  std::string chain = "1";
  for (int i = 0; i < 400; ++i) chain += "+1";
  const auto made = cel::compile(chain);
  REQUIRE(made.has_value());
  CHECK(*made->evaluate({}) == 401);
  for (int i = 0; i < 400; ++i) chain += "+1";
  CHECK(!cel::compile(chain).has_value());
}

}  // namespace understudy::plan
