#include <understudy/codec/json_edit.hpp>

#include "catch.hpp"

namespace understudy::codec {
namespace {

TEST_CASE("the model's name is replaced, the rest stays byte for byte", "[json_edit]") {
  struct row {
    const char* body;
    const char* expected;
  };
  for (const auto& [body, expected] : {
           row{R"({"model":"a","n":1.50})", R"({"model":"new","n":1.50})"},
           row{R"({ "x" : [ 1e3 ],  "model" : "a" })", R"({ "x" : [ 1e3 ],  "model" : "new" })"},
           row{R"({"model":"a","model":"b"})", R"({"model":"new","model":"new"})"},
           row{R"({"mod\u0065l":"a"})", R"({"mod\u0065l":"new"})"},
           row{R"({"model":{"deep":1}})", R"({"model":"new"})"},
           row{R"({"m":{"model":"inner"}})", R"({"model":"new","m":{"model":"inner"}})"},
           row{R"( {} )", R"( {"model":"new"} )"},
           row{R"({ "a":1})", R"({"model":"new", "a":1})"},
       }) {
    CAPTURE(body);
    const auto got = replace_top_level_string(body, "model", "new");
    REQUIRE(got.has_value());
    CHECK(*got == expected);
  }
  CHECK(*replace_top_level_string(R"({"model":1})", "model", "a\"b\n") == R"({"model":"a\"b\n"})");
  CHECK(!replace_top_level_string("[]", "model", "x").has_value());
  CHECK(!replace_top_level_string(R"({"model":"a")", "model", "x").has_value());
  CHECK(!replace_top_level_string("", "model", "x").has_value());
  CHECK(*replace_top_level(R"({"stream_options":null})", "stream_options",
                           R"({"include_usage":true})") ==
        R"({"stream_options":{"include_usage":true}})");
}

TEST_CASE("values are set at dotted paths", "[json_edit]") {
  struct row {
    const char* body;
    const char* path;
    const char* json;
    const char* expected;  // null: an error
  };
  for (const auto& [body, path, json, expected] : {
           row{R"({"a":1})", "a", "2", R"({"a":2})"},
           row{R"({"a":1})", "b", "\"x\"", R"({"a":1,"b":"x"})"},
           row{"{ }", "a", "true", R"({ "a":true})"},
           row{R"({"a":{"b":1, "c":2}})", "a.b", "9", R"({"a":{"b":9, "c":2}})"},
           row{R"({"a":{"b":1}})", "a.c", "2", R"({"a":{"b":1,"c":2}})"},
           row{R"({"a":{}})", "a.c.d", "2", R"({"a":{"c":{"d":2}}})"},
           row{R"({})", "a.b.c", "[1]", R"({"a":{"b":{"c":[1]}}})"},
           row{R"({"l":[1,2,3]})", "l.1", "9", R"({"l":[1,9,3]})"},
           row{R"({"l":[1]})", "l.-1", "2", R"({"l":[1,2]})"},
           row{R"({"l":[]})", "l.-1", "2", R"({"l":[2]})"},
           row{R"({"l":[1]})", "l.3", "4", R"({"l":[1,null,null,4]})"},
           row{R"({})", "l.2", "4", R"({"l":[null,null,4]})"},
           row{R"({})", "l.-1.a", "4", R"({"l":[{"a":4}]})"},
           row{R"({"l":[{"a":1}]})", "l.0.a", "4", R"({"l":[{"a":4}]})"},
           row{R"({"a":"scalar"})", "a.b", "1", R"({"a":{"b":1}})"},
           row{R"({"a":[1]})", "a.b", "1", R"({"a":{"b":1}})"},
           row{R"({"a.b":1})", "a\\.b", "2", R"({"a.b":2})"},
           row{R"({})", "a.:7", "2", R"({"a":{"7":2}})"},
           row{R"({"a":{"7":1}})", "a.7", "2", R"({"a":{"7":2}})"},
           row{R"({"a":1,"a":2})", "a", "3", R"({"a":1,"a":3})"},
           row{R"({"n":1.0,"m":12345678901234567890123})", "x", "1",
               R"({"n":1.0,"m":12345678901234567890123,"x":1})"},
           row{R"({"a":1})", "", "2", nullptr},
           row{R"({"a":1})", "a*", "2", nullptr},
           row{R"({"l":[1]})", "l.#", "2", nullptr},
           row{R"({"l":[]})", "l.999999", "2", nullptr},
           row{R"({"a":1})", "a", "tru", nullptr},
           row{R"({"a":1)", "a", "2", nullptr},
           row{R"([1])", "0", "2", nullptr},
       }) {
    CAPTURE(body, path, json);
    const auto got = set_at(body, path, json);
    CHECK(got.has_value() == (expected != nullptr));
    if (got && expected != nullptr) CHECK(*got == expected);
    if (got) CHECK(!check_json(*got));
  }
}

TEST_CASE("what stands at a path is removed", "[json_edit]") {
  struct row {
    const char* body;
    const char* path;
    const char* expected;
  };
  for (const auto& [body, path, expected] : {
           row{R"({"a":1})", "a", "{}"},
           row{R"({"a":1,"b":2})", "a", R"({"b":2})"},
           row{R"({"a":1,"b":2})", "b", R"({"a":1})"},
           row{R"({"a":1 , "b":2 , "c":3})", "b", R"({"a":1 , "c":3})"},
           row{R"({"a":{"b":1,"c":[1,2]}})", "a.c", R"({"a":{"b":1}})"},
           row{R"({"a":[1,2,3]})", "a.0", R"({"a":[2,3]})"},
           row{R"({"a":[1,2,3]})", "a.2", R"({"a":[1,2]})"},
           row{R"({"a":[1]})", "a.0", R"({"a":[]})"},
           row{R"({"a":1})", "b", R"({"a":1})"},
           row{R"({"a":1})", "a.b", R"({"a":1})"},
           row{R"({"a":[1]})", "a.5", R"({"a":[1]})"},
       }) {
    CAPTURE(body, path);
    const auto got = remove_at(body, path);
    REQUIRE(got.has_value());
    CHECK(*got == expected);
  }
  CHECK(!remove_at("{", "a").has_value());
}

TEST_CASE("the text of a mutation's value becomes JSON", "[json_edit]") {
  struct row {
    const char* text;
    const char* json;
  };
  for (const auto& [text, json] :
       {row{"\"x\"", "\"x\""}, row{"true", "true"}, row{" false ", "false"}, row{"null", "null"},
        row{"1", "1"}, row{"-1.5e3", "-1.5e3"}, row{"{\"a\":1}", "{\"a\":1}"}, row{"[1]", "[1]"},
        row{"scale", "\"scale\""}, row{"True", "\"True\""}, row{"", "\"\""}, row{"e5", "\"e5\""},
        row{"1 2", "\"1 2\""}, row{"say \"hi\"", "\"say \\\"hi\\\"\""}, row{"\"", "\"\\\"\""}}) {
    CAPTURE(text);
    CHECK(mutation_value_to_json(text) == json);
  }
}

}  // namespace
}  // namespace understudy::codec
