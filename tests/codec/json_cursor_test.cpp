#include <understudy/codec/json_cursor.hpp>

#include <string>

#include "catch.hpp"

namespace understudy::codec {
namespace {

/// Enters everything and writes down what it meets.
void walk(json_cursor& at, std::string& out) {
  const bool is_object = at.kind() == json_kind::object;
  if (!at.enter()) {
    out += at.take();
    return;
  }
  out += is_object ? '{' : '[';
  while (at.next()) {
    if (is_object) out.append(at.raw_key()) += '=';
    walk(at, out);
    out += ';';
  }
  out += is_object ? '}' : ']';
}

TEST_CASE("a cursor reads every level in one pass", "[json_cursor]") {
  struct row {
    const char* text;
    const char* expected;
  };
  for (const auto& [text, expected] : {
           row{R"({"a":1,"b":[true,null,{"c":"x"}],"d":{}})",
               R"({a=1;b=[true;null;{c="x";};];d={};})"},
           row{" [ 1 , [ ] , { } ] ", "[1;[];{};]"},
           row{R"("text")", R"("text")"},
           row{"-1.5e3", "-1.5e3"},
           row{"[[[[1]]]]", "[[[[1;];];];]"},
       }) {
    CAPTURE(text);
    json_cursor at{text};
    std::string out;
    walk(at, out);
    CHECK(out == expected);
    CHECK(at.finish());
  }
}

TEST_CASE("what is not entered is passed over and checked", "[json_cursor]") {
  json_cursor at{R"({"skip":{"a":[1,{"b":2}]},"k\u0065y":"v","list":[1,2,3],"end":7})"};
  REQUIRE(at.enter());
  REQUIRE(at.next());
  CHECK(at.is_key("skip"));
  REQUIRE(at.next());
  CHECK(at.is_key("key"));
  CHECK(at.offset() > 0);
  CHECK(at.take_raw_string() == "v");
  CHECK(at.take_raw_string().empty());
  REQUIRE(at.next());
  CHECK(at.take_raw_string().empty());
  REQUIRE(at.enter());
  CHECK_FALSE(at.enter());
  while (at.next()) {
  }
  REQUIRE(at.next());
  CHECK(at.is_key("end"));
  CHECK(at.take() == "7");
  CHECK_FALSE(at.next());
  CHECK(at.finish());
  CHECK_FALSE(at.next());
}

TEST_CASE("a cursor fails where the strict scan does", "[json_cursor]") {
  for (const std::string& text :
       {std::string{}, std::string{" "}, std::string{"{"}, std::string{"[1,]"}, std::string{"[,1]"},
        std::string{"[1 2]"}, std::string{R"({"a":1,})"}, std::string{R"({"a" 1})"},
        std::string{R"({a:1})"}, std::string{R"({"a":})"}, std::string{"{}x"}, std::string{"[]]"},
        std::string{"[}"}, std::string{"tru"}, std::string{"[01]"}, std::string{R"(["\x"])"},
        std::string{R"({"a":[1,{"b":2]})"}, std::string(600, '[')}) {
    CAPTURE(text.substr(0, 40));
    REQUIRE(check_json(text));
    json_cursor entering{text};
    std::string out;
    walk(entering, out);
    CHECK_FALSE(entering.finish());
    json_cursor passing{text};
    CHECK_FALSE(passing.finish());
  }
}

}  // namespace
}  // namespace understudy::codec
