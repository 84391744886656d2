#include <understudy/codec/text.hpp>

#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

using translate_test::check_golden_pair;

constexpr std::string_view path = "/v1/embeddings";

TEST_CASE("embeddings over Bedrock's Titan and Cohere models", "[golden]") {
  check_golden_pair(
      {operation::embeddings, schema::aws_bedrock, "embeddings/aws_bedrock", path, ""}, 30);
}

TEST_CASE("embeddings over Vertex AI", "[golden]") {
  check_golden_pair(
      {operation::embeddings, schema::gcp_vertex_ai, "embeddings/gcp_vertex_ai", path, ""}, 20);
}

TEST_CASE("embeddings over Cohere", "[golden]") {
  check_golden_pair({operation::embeddings, schema::cohere, "embeddings/cohere", path, "v2"}, 13);
}

/// The bytes of the one vector that Titan has answered with, or nothing.
std::optional<std::string> bytes_of_vector(std::string_view vector) {
  const std::string body = R"({"model":"m","input":"a","encoding_format":"base64"})";
  const auto one = find(operation::embeddings, schema::aws_bedrock);
  request_view view;
  view.body = body;
  view.model = "m";
  REQUIRE(one->request(view, {}).has_value());
  codec::response_head head;
  head.status = 200;
  const auto got = one->whole(head, "{\"embedding\":" + std::string{vector} + "}");
  if (!got) return std::nullopt;
  const auto answer = translate_test::json::parse(got->body);
  return codec::base64_decode(answer["data"][0]["embedding"].get<std::string>());
}

TEST_CASE("vectors become little-endian floats", "[embeddings]") {
  using namespace std::string_view_literals;
  CHECK(bytes_of_vector("[]") == "");
  CHECK(bytes_of_vector("[1, -2.5]") == "\x00\x00\x80\x3f\x00\x00\x20\xc0"sv);
  CHECK(bytes_of_vector("[0.1]") == "\xcd\xcc\xcc\x3d"sv);
  CHECK(bytes_of_vector("[1e-400, 1E-400]") == "\0\0\0\0\0\0\0\0"sv);
  for (const char* wrong : {"[1e300]", "[1e999]", "[null]", "[[1]]", "{}", "1"}) {
    CAPTURE(wrong);
    CHECK(!bytes_of_vector(wrong));
  }
}

}  // namespace
}  // namespace understudy::translate
