#include <understudy/codec/framing.hpp>
#include <understudy/codec/plain_head.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::codec {
namespace {

std::size_t split(std::string_view input, std::size_t max_bytes = 4096,
                  std::size_t max_fields = 16) {
  request_head head;
  return split_plain_request(input, max_bytes, max_fields, head);
}

std::size_t split_response(std::string_view input) {
  response_head head;
  return split_plain_response(input, 4096, 16, head);
}

TEST_CASE("an ordinary head is split where it stands", "[head]") {
  const std::string text =
      "POST /v1/x?a=b HTTP/1.1\r\nHost: a.example:80\r\nContent-Length:  12 \r\n"
      "x-a-name-of-more-than-sixteen: and a value of more than sixteen, too\r\nEmpty:\r\n\r\n";
  const std::string input = text + "a body\n";
  request_head head;
  REQUIRE(split_plain_request(input, 4096, 4, head) == text.size());
  CHECK(head.method == "POST");
  CHECK(head.target == "/v1/x?a=b");
  CHECK(head.version == 11);
  REQUIRE(head.fields.size() == 4);
  CHECK(head.fields.find("host") == "a.example:80");
  CHECK(head.fields.find("content-length") == "12");
  CHECK(head.fields.find("X-A-Name-Of-More-Than-Sixteen") ==
        "and a value of more than sixteen, too");
  CHECK(head.fields.find("empty") == "");
  CHECK(head.fields.is_checked());
  CHECK(head.method.data() == input.data());

  response_head response;
  const std::string answer = "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n";
  const std::string received = answer + "0\r\n\r\n";
  REQUIRE(split_plain_response(received, 4096, 4, response) == answer.size());
  CHECK(response.status == 404);
  CHECK(response.reason == "Not Found");
  CHECK(response.fields.find("transfer-encoding") == "chunked");
}

TEST_CASE("an incomplete head is not split", "[head]") {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
  for (std::size_t n = 0; n < text.size(); ++n) CHECK(split(text.substr(0, n)) == 0);
  CHECK(split(text) == text.size());
}

TEST_CASE("the limits of a head hold", "[head]") {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
  CHECK(split(text + "body", text.size(), 2) == text.size());
  CHECK(split(text + "body", text.size() - 1, 2) == 0);
  CHECK(split(text, text.size(), 1) == 0);
}

TEST_CASE("an unusual head is left to the strict parser", "[head]") {
  const std::string line = "GET / HTTP/1.1\r\n";
  for (const std::string& bad : std::vector<std::string>{
           "GET / HTTP/1.0\r\n\r\n",
           "GET /  HTTP/1.1\r\n\r\n",
           "GET  / HTTP/1.1\r\n\r\n",
           "get / HTTP/1.1\r\n\r\n",
           "GET HTTP/1.1\r\n\r\n",
           " / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\n\n",
           "GET /\t HTTP/1.1\r\n\r\n",
           "GET /\xC3\xA4 HTTP/1.1\r\n\r\n",
           line + "A : 1\r\n\r\n",
           line + ": 1\r\n\r\n",
           line + " A: 1\r\n\r\n",
           line + "A: 1\r\n 2\r\n\r\n",
           line + "A: 1\n\r\n",
           line + "A: 1\r2\r\n\r\n",
           line + "A: \t1\r\n\r\n",
           line + "A: 1\x7F\r\n\r\n",
           line + "A: \xC3\xA4\r\n\r\n",
           line + "A(: 1\r\n\r\n",
           line + "A\r\n\r\n",
           line + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
           line + "Content-Length: +1\r\n\r\n",
           line + "Content-Length:\r\n\r\n",
           line + "Content-Length: 1, 1\r\n\r\n",
           line + "Content-Length: 1234567890123456789\r\n\r\n",
           line + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           line + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
           line + "Transfer-Encoding: gzip, chunked\r\n\r\n",
           line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
           line + "Connection: close, te\r\n\r\n",
           line + "Upgrade: h2c\r\n\r\n",
           line + "Proxy-Connection: close\r\n\r\n"}) {
    CAPTURE(bad);
    CHECK(split(bad) == 0);
  }
  for (const std::string& bad : std::vector<std::string>{
           "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 200 O\tK\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\r\n"}) {
    CAPTURE(bad);
    CHECK(split_response(bad) == 0);
  }
}

TEST_CASE("what is split is what a check of the fields takes", "[head]") {
  for (int c = 0; c < 256; ++c) {
    const char one = static_cast<char>(c);
    for (const std::string& text :
         {std::string{"a"} + one + "b: c", std::string{"abc: d"} + one + "e",
          std::string{"a-name-of-sixteen"} + one + "b: c",
          std::string{"abc: a value of sixteen and more"} + one + "e"}) {
      request_head head;
      const std::string input = "GET / HTTP/1.1\r\n" + text + "\r\n\r\n" + std::string(40, 'x');
      if (split_plain_request(input, 4096, 16, head) == 0) continue;
      CAPTURE(c, text);
      field_list unmarked;
      for (const auto& f : head.fields) unmarked.add(f.name, f.value);
      CHECK_FALSE(check_fields(unmarked));
    }
  }
}

}  // namespace
}  // namespace understudy::codec
