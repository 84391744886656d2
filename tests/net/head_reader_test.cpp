#include <understudy/net/head_reader.hpp>

#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"

using namespace understudy;
using namespace std::string_literals;
using net::head_status;

namespace {

struct request_read {
  codec::request_head head;
  std::size_t scanned = 0;
  net::head_result operator()(std::string_view input, const net::head_limits& limits = {}) {
    return net::read_request_head(input, limits, scanned, head);
  }
};

head_status status_of(const std::string& input) { return request_read{}(input).status; }

}  // namespace

TEST_CASE("a head is split into its fields, the body stays") {
  const std::string head =
      "POST /v1/x?a=b HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Space: \t a b \t\r\n\r\n";
  const std::string input = head + "body\nwith lines";
  request_read read;
  const auto result = read(input);
  REQUIRE(result.status == head_status::complete);
  CHECK(result.size == head.size());
  CHECK(read.head.method == "POST");
  CHECK(read.head.target == "/v1/x?a=b");
  CHECK(read.head.version == 11);
  REQUIRE(read.head.fields.size() == 3);
  CHECK(read.head.fields.find("host") == "a.example");
  CHECK(read.head.fields.find("x-empty") == "");
  CHECK(read.head.fields.find("x-space") == "a b");
  CHECK(read.head.method.data() == input.data());  // views, no copies
}

TEST_CASE("a head that comes byte by byte is the same head") {
  const std::string input = "GET / HTTP/1.0\r\nA: 1\r\nLonger-Name: and value\r\n\r\n";
  request_read read;
  for (std::size_t n = 0; n < input.size(); ++n) {
    CAPTURE(n);
    REQUIRE(read(std::string_view{input}.substr(0, n)).status == head_status::partial);
    REQUIRE(read.scanned <= n);
  }
  REQUIRE(read(input).status == head_status::complete);
  CHECK(read.head.version == 10);
  CHECK(read.head.fields.size() == 2);
  CHECK(read.head.fields.find("longer-name") == "and value");
}

TEST_CASE("what is no head is refused") {
  struct row {
    const char* what;
    std::string input;
    head_status status;
  };
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::vector<row> rows{
      {"good", line + "A: 1\r\n\r\n", head_status::complete},
      {"no fields", line + "\r\n", head_status::complete},
      {"bare LF after the request line", "GET / HTTP/1.1\nA: 1\r\n\r\n", head_status::malformed},
      {"bare LF after a field", line + "A: 1\nB: 2\r\n\r\n", head_status::malformed},
      {"bare LF as the end", line + "A: 1\r\n\n", head_status::malformed},
      {"bare LF, the rest to come", "GET / HTTP/1.1\n", head_status::malformed},
      {"LF first", "\nGET / HTTP/1.1\r\n\r\n", head_status::malformed},
      {"bare CR", line + "A: 1\rB: 2\r\n\r\n", head_status::malformed},
      {"folded with a space", line + "A: 1\r\n 2\r\n\r\n", head_status::malformed},
      {"folded with a tab", line + "A: 1\r\n\t2\r\n\r\n", head_status::malformed},
      {"folded first field", line + " A: 1\r\n\r\n", head_status::malformed},
      {"NUL in a value", line + "A: 1" + "\0"s + "2\r\n\r\n", head_status::malformed},
      {"NUL in a name", line + "A" + "\0"s + ": 1\r\n\r\n", head_status::malformed},
      {"NUL in the target", "GET /" + "\0"s + " HTTP/1.1\r\n\r\n", head_status::malformed},
      {"DEL in a value", line + "A: \x7f\r\n\r\n", head_status::malformed},
      {"control in a value", line + "A: \x01\r\n\r\n", head_status::malformed},
      {"space before the colon", line + "A : 1\r\n\r\n", head_status::malformed},
      {"space in a name", line + "A b: 1\r\n\r\n", head_status::malformed},
      {"no name", line + ": 1\r\n\r\n", head_status::malformed},
      {"no colon", line + "A\r\n\r\n", head_status::malformed},
      {"no target", "GET  HTTP/1.1\r\n\r\n", head_status::malformed},
      {"no method", " / HTTP/1.1\r\n\r\n", head_status::malformed},
      {"a method that is no token", "G(T / HTTP/1.1\r\n\r\n", head_status::malformed},
      {"no version", "GET /\r\n\r\n", head_status::malformed},
      {"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", head_status::bad_version},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", head_status::bad_version},
      {"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", head_status::bad_version},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n"s, head_status::malformed},
      {"bytes above ASCII in a value", line + "A: \xc3\xa4\r\n\r\n", head_status::complete},
  };
  for (const auto& r : rows) {
    CAPTURE(r.what);
    CHECK(status_of(r.input) == r.status);
  }
}

TEST_CASE("a head has its limits, met exactly and passed by one") {
  const std::string input = "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n";
  struct row {
    std::size_t max_bytes, max_fields;
    head_status status;
  };
  const std::vector<row> rows{{input.size(), 2, head_status::complete},
                              {input.size() - 1, 2, head_status::too_large},
                              {input.size(), 1, head_status::too_large},
                              {input.size(), 0, head_status::too_large}};
  for (const auto& r : rows) {
    CAPTURE(r.max_bytes, r.max_fields);
    CHECK(request_read{}(input, {r.max_bytes, r.max_fields}).status == r.status);
  }
  SECTION("also before it is complete") {
    CHECK(request_read{}("GET /aaaaaaaa", {12, 9}).status == head_status::too_large);
    CHECK(request_read{}("GET /aaaaaaa", {12, 9}).status == head_status::partial);
  }
  SECTION("the body does not count") {
    CHECK(request_read{}(input + std::string(500, 'x'), {input.size(), 2}).status ==
          head_status::complete);
  }
  SECTION("more than a parser's usual 8 KiB") {
    const std::string large = "GET / HTTP/1.1\r\nA: " + std::string(50'000, 'x') + "\r\n\r\n";
    CHECK(request_read{}(large).status == head_status::complete);
    CHECK(request_read{}(large, {40'000, 9}).status == head_status::too_large);
  }
}

TEST_CASE("a second head reuses the object") {
  request_read read;
  REQUIRE(read("GET /a HTTP/1.1\r\nA: 1\r\n\r\n").status == head_status::complete);
  read.scanned = 0;
  REQUIRE(read("PUT /b HTTP/1.1\r\nB: 2\r\n\r\n").status == head_status::complete);
  CHECK(read.head.method == "PUT");
  REQUIRE(read.head.fields.size() == 1);
  CHECK_FALSE(read.head.fields.find("a"));
}

TEST_CASE("heads of responses") {
  struct row {
    const char* input;
    head_status status;
    int code;
    const char* reason;
  };
  const std::vector<row> rows{
      {"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", head_status::complete, 200, "OK"},
      {"HTTP/1.0 429 Too Many Requests\r\n\r\n", head_status::complete, 429, "Too Many Requests"},
      {"HTTP/1.1 204 \r\n\r\n", head_status::complete, 204, ""},
      {"HTTP/1.1 100 Continue\r\n\r\n", head_status::complete, 100, "Continue"},
      {"HTTP/1.1 200 OK\r\nA: 1\r\n", head_status::partial, 0, ""},
      {"HTTP/1.1 200 OK\nA: 1\r\n\r\n", head_status::malformed, 0, ""},
      {"HTTP/1.1 20 OK\r\n\r\n", head_status::malformed, 0, ""},
      {"HTTP/1.1 2000 OK\r\n\r\n", head_status::malformed, 0, ""},
      {"HTTP/1.1 abc OK\r\n\r\n", head_status::malformed, 0, ""},
      {"HTTP/2.0 200 OK\r\n\r\n", head_status::bad_version, 0, ""},
      {"SSH-2.0-OpenSSH_9\r\n\r\n", head_status::bad_version, 0, ""},
  };
  for (const auto& r : rows) {
    CAPTURE(r.input);
    codec::response_head head;
    std::size_t scanned = 0;
    const auto result = net::read_response_head(r.input, {}, scanned, head);
    CHECK(result.status == r.status);
    if (result.status != head_status::complete) continue;
    CHECK(head.status == r.code);
    CHECK(head.reason == r.reason);
  }
}

namespace {

template <class Head, class Read>
std::string described(Read&& read, const std::string& input, bool is_strict) {
  Head head;
  // A head whose first line was searched before is never split the short way.
  std::size_t scanned = is_strict ? input.find('\n') + 1 : 0;
  const auto result = read(input, net::head_limits{2048, 20}, scanned, head);
  std::string out = std::to_string(static_cast<int>(result.status));
  if (result.status != head_status::complete) return out;
  out += " " + std::to_string(result.size) + " " + std::to_string(head.version);
  if constexpr (std::is_same_v<Head, codec::request_head>)
    out.append(" ").append(head.method).append(" ").append(head.target);
  else
    out.append(" ").append(std::to_string(head.status)).append(" ").append(head.reason);
  for (const auto& f : head.fields) out.append("|").append(f.name).append("=").append(f.value);
  return out;
}

std::string damaged(const std::string& text, std::uint32_t& state) {
  const auto random = [&state](std::size_t below) {
    state = state * 1664525U + 1013904223U;
    return static_cast<std::size_t>(state >> 8) % below;
  };
  std::string out = text;
  for (auto n = random(3); n != 0; --n) {
    const char c = random(2) == 0 ? static_cast<char>(random(256)) : " \t:,-\r\n1"[random(8)];
    const auto at = text.find("\r\n") + random(text.size() - text.find("\r\n"));
    if (random(2) == 0)
      out[std::min(at, out.size() - 1)] = c;
    else
      out.insert(at, 1, c);
  }
  if (random(3) == 0) out[random(text.find("\r\n"))] = static_cast<char>(random(256));
  return out;
}

}  // namespace

TEST_CASE("the short way through a head takes nothing that the long one does not") {
  const std::vector<std::string> requests{
      "POST /v1/chat/completions?a=b HTTP/1.1\r\nHost: a.example:8080\r\nUser-Agent: x/1 (y; z)\r\n"
      "Content-Length: 12\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n\r\n",
      "GET / HTTP/1.1\r\nhost:a\r\nx_y: !#$%&'()*+,/;<=>?@[]^`{|}~\\\"\r\nTransfer-Encoding: "
      "chunked\r\nEmpty:   \r\n\r\n"};
  const std::vector<std::string> responses{
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n",
      "HTTP/1.1 429 Too Many Requests \r\nRetry-After: 1\r\nConnection: close\r\n\r\n"};
  std::uint32_t state = 1;
  int complete = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto request = damaged(requests[static_cast<std::size_t>(i) % 2], state);
    const auto short_way = described<codec::request_head>(net::read_request_head, request, false);
    if (short_way != described<codec::request_head>(net::read_request_head, request, true) &&
        request.find('\n') > request.find("\r\n"))
      FAIL(request);
    const auto response = damaged(responses[static_cast<std::size_t>(i) % 2], state);
    const auto other = described<codec::response_head>(net::read_response_head, response, false);
    if (other != described<codec::response_head>(net::read_response_head, response, true) &&
        response.find('\n') > response.find("\r\n"))
      FAIL(response);
    complete += short_way.size() > 1 && other.size() > 1 ? 1 : 0;
  }
  CHECK(complete > 2000);
}

TEST_CASE("every byte in a target and a reason is taken alike by both ways") {
  for (int c = 1; c < 256; ++c) {
    if (c == '\n') continue;
    CAPTURE(c);
    const std::string one(1, static_cast<char>(c));
    std::string request = "GET /a";
    request.append(one).append("b HTTP/1.1\r\nA: 1\r\n\r\n");
    CHECK(described<codec::request_head>(net::read_request_head, request, false) ==
          described<codec::request_head>(net::read_request_head, request, true));
    const std::string response = "HTTP/1.1 200 a" + one + "b\r\nA: 1\r\n\r\n";
    CHECK(described<codec::response_head>(net::read_response_head, response, false) ==
          described<codec::response_head>(net::read_response_head, response, true));
  }
}

TEST_CASE("without a whole head no view of the buffer is left behind") {
  const std::string line = "POST /v1/x HTTP/1.1\r\nX-Request-Id: abc\r\n";
  const std::vector<std::string> inputs{
      line,                           // incomplete
      line + "A: 1\r\n\n",            // malformed at its end
      line + "B\x01: 2\r\n\r\n",      // malformed by its characters
      line + std::string(200, 'a'),   // too large
      "POST /v1/x HTTP/3.0\r\n\r\n",  // of another version
  };
  for (const auto& input : inputs) {
    CAPTURE(input);
    request_read read;
    REQUIRE(read("GET /before HTTP/1.1\r\nA: 1\r\n\r\n").status == head_status::complete);
    read.scanned = 0;
    REQUIRE(read(input, {100, 10}).status != head_status::complete);
    CHECK(read.head.method.data() == nullptr);
    CHECK(read.head.target.data() == nullptr);
    CHECK(read.head.fields.size() == 0);
  }
}
