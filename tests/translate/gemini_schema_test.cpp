#include <understudy/translate/translator.hpp>

#include "catch.hpp"
#include "translate/json.hpp"

namespace understudy::translate {
namespace {

/// The schema as it goes to a model that takes none of JSON's.
base::result<upstream_request, refusal> asked(const json& schema) {
  const json request{
      {"messages", json::array()},
      {"response_format", {{"type", "json_schema"}, {"json_schema", {{"schema", schema}}}}}};
  const auto body = request.dump();
  request_view view;
  view.body = body;
  view.model = "gemini-1.5-pro";
  return find(operation::chat_completions, schema::gcp_vertex_ai)->request(view, {});
}

json converted(const char* text) {
  const auto got = asked(json::parse(text));
  if (!got) FAIL(got.error().message);
  return json::parse(got->body.value())["generationConfig"]["responseSchema"];
}

std::string why_not(const json& schema) {
  const auto got = asked(schema);
  return got ? "fine" : got.error().message;
}

bool has(const std::string& text, const char* words) {
  return text.find(words) != std::string::npos;
}

/// Also the order of the members, which `==` of the documents has, too.
void check(const char* schema, const char* expected) {
  INFO(schema);
  CHECK(converted(schema).dump() == json::parse(expected).dump());
}

TEST_CASE("types of a Gemini schema", "[gemini]") {
  check(R"({"type":"string"})", R"({"type":"STRING"})");
  check(R"({"type":["string","null"]})", R"({"nullable":true,"type":"STRING"})");
  check(R"({"type":["string","integer","null"],"description":"d"})",
        R"({"nullable":true,"anyOf":[{"type":"STRING"},{"type":"INTEGER"}],"description":"d"})");
  check(R"({"properties":{"a":{"type":"number"}}})",
        R"({"type":"OBJECT","properties":{"a":{"type":"NUMBER"}}})");
  check(R"({"items":{"type":"boolean"}})", R"({"items":{"type":"BOOLEAN"},"type":"ARRAY"})");
  check(R"({"type":"array"})", R"({"type":"ARRAY","items":{"type":"STRING"}})");
  check("{}", R"({"type":"OBJECT"})");
  CHECK(has(why_not(json::parse(R"({"type":"thing"})")), "a schema has the unknown type thing"));
  CHECK(has(why_not(json::parse(R"({"type":7})")), "a schema's `type` is no string"));
  CHECK(has(why_not(json::parse(R"({"items":{"anyOf":[7]}})")),
            "a schema is neither an object nor a boolean"));
}

TEST_CASE("objects of a Gemini schema", "[gemini]") {
  check(R"({"type":"object","properties":{"z":{"type":"string"},"a":true,"no":false},
            "required":["z","no",1],"additionalProperties":false,"$schema":"x"})",
        R"({"type":"OBJECT","propertyOrdering":["z","a"],"properties":{"z":{"type":"STRING"},
            "a":{"type":"OBJECT"}},"required":["z"]})");
}

TEST_CASE("bounds and formats of a Gemini schema", "[gemini]") {
  check(R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10,"multipleOf":5})",
        R"({"type":"INTEGER","minimum":1,"maximum":9})");
  check(R"({"type":"number","minimum":0.5,"exclusiveMaximum":1.5})",
        R"({"type":"NUMBER","minimum":0.5,"maximum":1.5})");
  check(R"({"type":"string","format":"uri","minLength":1,"pattern":"^a"})",
        R"({"type":"STRING","minLength":1,"pattern":"^a"})");
  check(R"({"type":"string","format":"date-time"})", R"({"type":"STRING","format":"date-time"})");
  check(R"({"type":"array","items":{"type":"string"},"maxItems":3,"uniqueItems":true})",
        R"({"type":"ARRAY","maxItems":3,"items":{"type":"STRING"}})");
}

TEST_CASE("enums of a Gemini schema", "[gemini]") {
  check(R"({"enum":["a","b",null]})",
        R"({"type":"STRING","nullable":true,"format":"enum","enum":["a","b"]})");
  check(R"({"type":"integer","enum":[1,2]})",
        R"({"type":"INTEGER","format":"enum","enum":["1","2"]})");
  check(R"({"const":"x"})", R"({"type":"STRING","format":"enum","enum":["x"]})");
  check(R"({"const":true})", R"({"type":"BOOLEAN"})");
}

TEST_CASE("alternatives of a Gemini schema", "[gemini]") {
  check(R"({"anyOf":[{"type":"string"},{"type":"null"}],"description":"d"})",
        R"({"nullable":true,"type":"STRING","description":"d"})");
  check(R"({"oneOf":[{"type":"string"},{"const":null},{"type":"number"}]})",
        R"({"nullable":true,"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]})");
  check(R"({"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},
                     {"type":"object","properties":{"b":{"type":"string"}},"required":["b"]}]})",
        R"({"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"STRING"}},
            "required":["a","b"],"propertyOrdering":["a","b"]})");
  check(R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]})",
        R"({"type":"ARRAY","items":{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}})");
}

TEST_CASE("references of a Gemini schema", "[gemini]") {
  check(R"({"type":"object","properties":{"a":{"$ref":"#/$defs/x~1y","description":"mine"},
            "b":{"$ref":"#/definitions/z"}},
            "$defs":{"x/y":{"type":"string","description":"its"}},
            "definitions":{"z":{"$ref":"#/$defs/x~1y"}}})",
        R"({"type":"OBJECT","propertyOrdering":["a","b"],"properties":{
            "a":{"type":"STRING","description":"mine"},"b":{"type":"STRING","description":"its"}}})");
  CHECK(has(why_not(json::parse(R"({"$ref":"#/$defs/no"})")), "does not hold"));
  CHECK(has(why_not(json::parse(R"({"$ref":"https://x.example/s"})")), "does not hold"));
  CHECK(has(why_not(json::parse(R"({"properties":{"a":{"$ref":"#"}}})")),
            "the schema refers to itself (#)"));
  CHECK(has(why_not(json::parse(R"({"$ref":"#/$defs/a","$defs":{"a":{"items":{"$ref":"#/$defs/b"}},
                               "b":{"anyOf":[{"$ref":"#/$defs/a"}]}}})")),
            "the schema refers to itself (#/$defs/a)"));
}

TEST_CASE("a Gemini schema cannot be made to grow without bound", "[gemini]") {
  json bomb;
  for (int i = 0; i < 20; ++i) {
    const json next{{"$ref", "#/$defs/" + std::to_string(i + 1)}};
    bomb["$defs"][std::to_string(i)] = {{"properties", {{"a", next}, {"b", next}}}};
  }
  bomb["$defs"]["20"] = {{"type", "string"}};
  bomb["$ref"] = "#/$defs/0";
  CHECK(has(why_not(bomb), "the schema is too large with its references resolved"));

  json wide{{"$defs", {{"a", {{"type", "string"}, {"description", std::string(100000, 'x')}}}}}};
  for (int i = 0; i < 100; ++i) wide["properties"][std::to_string(i)] = {{"$ref", "#/$defs/a"}};
  CHECK(has(why_not(wide), "the schema is too large with its references resolved"));

  json deep{{"type", "string"}};
  for (int i = 0; i < 100; ++i) deep = json{{"type", "array"}, {"items", deep}};
  CHECK(has(why_not(deep), "the schema is nested too deeply"));
}

}  // namespace
}  // namespace understudy::translate
