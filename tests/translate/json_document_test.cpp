#include <random>

#include "catch.hpp"
#include "translate/json.hpp"

namespace understudy::translate {
namespace {

/// What the library itself makes of a text.
std::optional<json> by_library(const std::string& text) {
  auto made = json::parse(text, nullptr, false);
  if (made.is_discarded()) return std::nullopt;
  return made;
}

class document_generator {
 public:
  explicit document_generator(unsigned seed) : chance_{seed} {}

  json value(int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(chance_() << 32U | chance_()) >> below(64);
      case 3:
        return static_cast<double>(below(1'000'000)) / 977.0 - 300.0;
      case 4:
      case 5:
        return text();
      case 6: {
        json list = json::array();
        for (auto n = below(5); n > 0; --n) list.push_back(value(depth - 1));
        return list;
      }
      default: {
        json object = json::object();
        for (auto n = below(6); n > 0; --n) object[text()] = value(depth - 1);
        return object;
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return chance_() % limit; }
  std::string text() {
    static const std::vector<std::string> pieces{"a", "model", "\"", "\\", "\n", "\x01", "/",
                                                 "é", "漢",    "😀",  "\t", "\b", "\x7f", " "};
    std::string out;
    for (auto n = below(7); n > 0; --n) out += pieces[below(pieces.size())];
    return out;
  }

  std::mt19937 chance_;
};

TEST_CASE("a document is read as the library reads it") {
  const auto* text =
      GENERATE("{}", "[]", " [ 1 , 2 ] ", "null", "true", "\"x\"", R"({"a":{"b":[{"c":null}]}})",
               R"({"a":1,"b":2,"a":[3]})", R"(["\u00e9\ud83d\ude00\n\"\\\/"])", "0", "-0", "-1",
               "1.5", "1e3", "1E-3", "-2.5e+2", "18446744073709551615", "18446744073709551616",
               "-9223372036854775808", "-9223372036854775809", "1e308", "1e400", "-1e400", "1e-400",
               "5e-324", "", " ", "{", "[1,]", "{\"a\":}", "{\"a\"}", "{a:1}", "[1 2]", "nul",
               "tru", "01", "1.", ".5", "+1", "--1", "1e", "\"", "\"\\x\"", "\"\\u12\"", "[\"a\"]x",
               "{}{}", "\"a\nb\"", "\"\xff\"", "\"\xc3\"", "[[[[[[]]]]]]");
  CAPTURE(text);
  const auto expected = by_library(text);
  const auto made = parse_json(text);
  REQUIRE(made.has_value() == expected.has_value());
  if (!made) return;
  CHECK(*made == *expected);
  CHECK(made->type() == expected->type());
  CHECK(made->dump() == expected->dump());
}

TEST_CASE("a lone surrogate becomes the replacement character") {
  CHECK(parse_json(R"("\ud800x")") == json("\xEF\xBF\xBDx"));
}

TEST_CASE("documents come back as they were written") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    const json made = document_generator{seed}.value(5);
    const auto text = dump_json(made);
    CHECK(by_library(text) == made);
    const auto again = parse_json(text);
    REQUIRE(again.has_value());
    CHECK(again->dump() == made.dump());
  }
}

TEST_CASE("bytes that are no UTF-8 are written as replacement characters") {
  const auto text = dump_json(json(std::string{"a\xff\xfe z"}));
  CHECK(by_library(text) == json("a\xEF\xBF\xBD\xEF\xBF\xBD z"));
}

TEST_CASE("an object has at most so many members, a document at most so many levels") {
  std::string wide = "{";
  for (std::size_t i = 0; i < understudy::translate::max_json_members; ++i)
    wide += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  CHECK(parse_json(wide + "}").has_value());
  CHECK_FALSE(parse_json(wide + ",\"x\":0}").has_value());
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(parse_json(nested(understudy::codec::max_json_depth)).has_value());
  CHECK_FALSE(parse_json(nested(understudy::codec::max_json_depth + 1)).has_value());
}

}  // namespace
}  // namespace understudy::translate
