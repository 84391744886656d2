#include <understudy/codec/framing.hpp>

#include <optional>
#include <vector>

#include "catch.hpp"

namespace understudy::codec {
namespace {

using fields = std::vector<field>;

field_list list_of(const fields& items) {
  field_list out;
  for (const auto& f : items) out.add(f.name, f.value);
  return out;
}

struct expectation {
  body_framing framing{};
  std::optional<head_error> error{};

  expectation(framing_kind kind, std::uint64_t length = 0) : framing{kind, length} {}
  expectation(head_error e) : error{e} {}
};

void check(const framing_result& got, const expectation& expected) {
  if (expected.error) {
    REQUIRE(got.has_error());
    CHECK(describe(got.error()) == describe(*expected.error));
    return;
  }
  REQUIRE(got.has_value());
  CHECK(*got == expected.framing);
}

struct request_row {
  fields items;
  expectation expected;
  int version = 11;
};

TEST_CASE("framing of requests", "[framing]") {
  using enum framing_kind;
  using enum head_error;
  const std::vector<request_row> rows{
      {{}, none},
      {{{"Host", "x"}}, none},
      {{{"Content-Length", "0"}}, {length, 0}},
      {{{"Content-Length", "5"}}, {length, 5}},
      {{{"content-length", " 5\t"}}, {length, 5}},
      {{{"CONTENT-LENGTH", "00005"}}, {length, 5}},
      {{{"Content-Length", "9223372036854775807"}}, {length, 9223372036854775807U}},
      {{{"Content-Length", "9223372036854775808"}}, invalid_length},
      {{{"Content-Length", "18446744073709551616"}}, invalid_length},
      {{{"Content-Length", "99999999999999999999999"}}, invalid_length},
      {{{"Content-Length", ""}}, invalid_length},
      {{{"Content-Length", "-1"}}, invalid_length},
      {{{"Content-Length", "+5"}}, invalid_length},
      {{{"Content-Length", "0x5"}}, invalid_length},
      {{{"Content-Length", "5.0"}}, invalid_length},
      {{{"Content-Length", "5 5"}}, invalid_length},
      {{{"Content-Length", "5,5"}}, invalid_length},
      {{{"Content-Length", "5, 6"}}, invalid_length},
      {{{"Content-Length", "five"}}, invalid_length},
      {{{"Content-Length", "5;"}}, invalid_length},
      {{{"Content-Length",
         "\x0b"
         "5"}},
       invalid_length},
      {{{"Content-Length", "5"}, {"Content-Length", "5"}}, repeated_length},
      {{{"Content-Length", "5"}, {"content-length", "6"}}, repeated_length},
      {{{"Transfer-Encoding", "chunked"}}, chunked},
      {{{"transfer-encoding", "Chunked"}}, chunked},
      {{{"Transfer-Encoding", " chunked\t"}}, chunked},
      {{{"Transfer-Encoding", "chunked"}}, transfer_encoding_in_1_0, 10},
      {{{"Content-Length", "5"}}, {length, 5}, 10},
      {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, length_and_transfer_encoding},
      {{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, length_and_transfer_encoding},
      {{{"Content-Length", "0"}, {"Transfer-Encoding", "identity"}}, length_and_transfer_encoding},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       repeated_transfer_encoding},
      {{{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}},
       repeated_transfer_encoding},
      {{{"Transfer-Encoding", "gzip, chunked"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "chunked, chunked"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "chunked, gzip"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "gzip"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "identity"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", ""}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "xchunked"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "chunked;q=1"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "chunked,"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", ", chunked"}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding", "\"chunked\""}}, unsupported_transfer_encoding},
      {{{"Transfer-Encoding",
         "\x0b"
         "chunked"}},
       unsupported_transfer_encoding},
      {{{"Transfer Encoding", "chunked"}}, none},  // its name is refused by check_fields
      {{{"TE", "chunked"}}, none},
  };
  for (const auto& row : rows) {
    std::string shown;
    for (const auto& f : row.items) shown.append(f.name).append(": ").append(f.value).append("|");
    CAPTURE(shown, row.version);
    check(request_framing({"POST", "/", row.version, list_of(row.items)}), row.expected);
  }
}

struct response_row {
  int status;
  const char* method;
  fields items;
  expectation expected;
  int version = 11;
};

TEST_CASE("framing of responses", "[framing]") {
  using enum framing_kind;
  using enum head_error;
  const std::vector<response_row> rows{
      {200, "GET", {}, until_close},
      {200, "POST", {{"Content-Length", "7"}}, {length, 7}},
      {200, "POST", {{"Content-Length", "0"}}, {length, 0}},
      {200, "POST", {{"Transfer-Encoding", "chunked"}}, chunked},
      {200, "POST", {{"Transfer-Encoding", "chunked"}}, transfer_encoding_in_1_0, 10},
      {200, "POST", {}, until_close, 10},
      {200, "POST", {{"Content-Length", "7"}, {"Content-Length", "7"}}, repeated_length},
      {200, "POST", {{"Content-Length", "7, 7"}}, invalid_length},
      {200,
       "POST",
       {{"Transfer-Encoding", "chunked"}, {"Content-Length", "7"}},
       length_and_transfer_encoding},
      {200, "POST", {{"Transfer-Encoding", "gzip, chunked"}}, unsupported_transfer_encoding},
      {200, "HEAD", {{"Content-Length", "7"}}, none},
      {200, "HEAD", {{"Transfer-Encoding", "chunked"}}, none},
      {200, "HEAD", {}, none},
      {500, "HEAD", {{"Content-Length", "7"}}, none},
      {204, "POST", {}, none},
      {204, "POST", {{"Content-Length", "7"}}, none},
      {304, "GET", {{"Content-Length", "7"}}, none},
      {100, "POST", {}, none},
      {101, "GET", {}, none},
      {103, "GET", {{"Transfer-Encoding", "chunked"}}, none},
      {205, "POST", {{"Content-Length", "0"}}, {length, 0}},
      {404, "GET", {}, until_close},
      {503, "POST", {{"Content-Length", "19"}}, {length, 19}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.status, row.method, row.version);
    check(response_framing({row.status, "", row.version, list_of(row.items)}, row.method),
          row.expected);
  }
}

struct target_row {
  const char* method;
  const char* target;
  fields items;
  std::optional<head_error> error;
  const char* authority = "";
  const char* path = "";
  int version = 11;
};

TEST_CASE("targets, Host and fields of requests", "[framing]") {
  using enum head_error;
  const fields host{{"Host", "api.local:80"}};
  const auto ok = std::nullopt;
  const std::vector<target_row> rows{
      {"POST", "/v1/x?a=b", host, ok, "api.local:80", "/v1/x?a=b"},
      {"GET", "/", {{"Host", " h "}}, ok, "h", "/"},
      {"GET", "//evil.org/x", host, ok, "api.local:80", "//evil.org/x"},
      {"GET", "/", {}, missing_host},
      {"GET", "/", {}, ok, "", "/", 10},
      {"GET", "/", {{"Host", "a"}, {"host", "a"}}, repeated_host},
      {"GET", "/", {{"Host", "a"}, {"host", "a"}}, repeated_host, "", "", 10},
      {"GET", "/", {{"Host", ""}}, invalid_host},
      {"GET", "/", {{"Host", "a b"}}, invalid_host},
      {"GET", "/", {{"Host", "a/b"}}, invalid_host},
      {"GET", "/", {{"Host", "user@a"}}, invalid_host},
      {"GET", "/", {{"Host", "a, b"}}, invalid_host},
      {"GET", "/", {{"Host", "a,b"}}, invalid_host},
      {"GET", "/", {{"Host", "a:b"}}, invalid_host},
      {"GET", "/", {{"Host", "a:65536"}}, invalid_host},
      {"GET", "/", {{"Host", "a:123456"}}, invalid_host},
      {"GET", "/", {{"Host", ":80"}}, invalid_host},
      {"GET", "/", {{"Host", "a:"}}, ok, "a:", "/"},
      {"GET", "/", {{"Host", "[::1]:8080"}}, ok, "[::1]:8080", "/"},
      {"GET", "/", {{"Host", "[::1"}}, invalid_host},
      {"GET", "/", {{"Host", "[]"}}, invalid_host},
      {"GET", "/", {{"Host", "[::1]x"}}, invalid_host},
      {"GET", "/", {{"Host", "[g::1]"}}, invalid_host},
      {"GET", "/", {{"Host", "127.0.0.1:1975"}}, ok, "127.0.0.1:1975", "/"},
      {"GET", "/", {{"Host", "caf\xC3\xA9"}}, invalid_host},
      {"OPTIONS", "*", host, ok, "api.local:80", "*"},
      {"GET", "*", host, unsupported_target_form},
      {"GET", "http://other/x?y", host, ok, "other", "/x?y"},
      {"GET", "HTTPS://other:444/", host, ok, "other:444", "/"},
      {"GET", "http://other", host, ok, "other", "/"},
      {"OPTIONS", "http://other", host, ok, "other", "*"},
      {"GET", "http://other", {}, missing_host},
      {"GET", "http://other?x", host, invalid_target},
      {"GET", "http:///x", host, invalid_target},
      {"GET", "http://u@other/", host, invalid_target},
      {"GET", "ftp://other/", host, unsupported_target_form},
      {"GET", "other:443", host, unsupported_target_form},
      {"CONNECT", "other:443", host, unsupported_target_form},
      {"GET", "/a/../b", host, dot_segment},
      {"GET", "/a/..", host, dot_segment},
      {"GET", "/./a?x", host, dot_segment},
      {"GET", "/%2e%2E/a", host, dot_segment},
      {"GET", "/.%2e", host, dot_segment},
      {"GET", "/a\\..\\b", host, dot_segment},
      {"GET", "/a/..;x=1/b", host, dot_segment},
      {"GET", "http://other/../x", host, dot_segment},
      {"GET", "/...", host, ok, "api.local:80", "/..."},
      {"GET", "/.a/a./%2e%2ea/%2", host, ok, "api.local:80", "/.a/a./%2e%2ea/%2"},
      {"GET", "/a?/../", host, ok, "api.local:80", "/a?/../"},
      {"GET", "", host, invalid_target},
      {"GET", "/a b", host, invalid_target},
      {"GET", "/a#b", host, invalid_target},
      {"GET", "/a\x7f", host, invalid_target},
      {"GET", "/caf\xC3\xA9", host, invalid_target},
      {"GET", "/a\tb", host, invalid_target},
      {"GE T", "/", host, invalid_method},
      {"", "/", host, invalid_method},
      {"GET", "/", host, invalid_version, "", "", 20},
      {"GET", "/", host, invalid_version, "", "", 9},
      {"GET", "/", {{"Host", "a"}, {"X Y", "1"}}, invalid_field_name},
      {"GET", "/", {{"Host", "a"}, {"X:", "1"}}, invalid_field_name},
      {"GET", "/", {{"Host", "a"}, {"Content-Length ", "1"}}, invalid_field_name},
      {"GET", "/", {{"Host", "a"}, {"", "1"}}, invalid_field_name},
      {"GET", "/", {{"Host", "a"}, {"caf\xC3\xA9", "1"}}, invalid_field_name},
      {"GET", "/", {{"Host", "a"}, {"X", "a\nb"}}, invalid_field_value},
      {"GET", "/", {{"Host", "a"}, {"X", "a\r\n b"}}, invalid_field_value},
      {"GET", "/", {{"Host", "a"}, {"X", std::string_view{"a\0b", 3}}}, invalid_field_value},
      {"GET", "/", {{"Host", "a"}, {"X", "a\x7f"}}, invalid_field_value},
      {"GET", "/", {{"Host", "a"}, {"X", "tab\tand \xC3\xA9"}}, ok, "a", "/"},
  };
  for (const auto& row : rows) {
    std::string shown;
    for (const auto& f : row.items) shown.append(f.name).append(": ").append(f.value).append("|");
    CAPTURE(row.method, row.target, shown);
    const auto got = check_request({row.method, row.target, row.version, list_of(row.items)});
    REQUIRE(got.has_value() == !row.error.has_value());
    if (row.error) {
      CHECK(describe(got.error()) == describe(*row.error));
    } else {
      CHECK(got->authority == row.authority);
      CHECK(got->path == row.path);
    }
  }
}

TEST_CASE("what a line splitter hides", "[framing]") {
  struct row {
    std::string_view head;
    std::optional<head_error> error;
  };
  using enum head_error;
  for (const auto& [head, error] : {
           row{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", std::nullopt},
           row{"GET / HTTP/1.1\nHost: a\r\n\r\n", bare_line_feed},
           row{"GET / HTTP/1.1\r\nHost: a\n\r\n", bare_line_feed},
           row{"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", bare_carriage_return},
           row{"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", bare_carriage_return},
           row{"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", folded_field},
           row{"GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", folded_field},
           row{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", folded_field},
           row{"GET / HTTP/1.1\r", bare_carriage_return},
       }) {
    CAPTURE(head);
    CHECK(check_raw_head(head) == error);
  }
}

TEST_CASE("responses and small rules", "[framing]") {
  CHECK(!check_response({200, "OK", 11, list_of({{"X", "y"}})}));
  CHECK(check_response({200, "OK", 20, {}}) == head_error::invalid_version);
  CHECK(check_response({200, "OK", 11, list_of({{"X", "\x01"}})}) ==
        head_error::invalid_field_value);
  CHECK(has_underscored_name(list_of({{"a", "1"}, {"x_y", "2"}})));
  CHECK(!has_underscored_name(list_of({{"a", "x_y"}})));
  for (int i = 0; i <= static_cast<int>(head_error::too_many_connection_options); ++i)
    CHECK(describe(static_cast<head_error>(i)) != "invalid head");
}

}  // namespace
}  // namespace understudy::codec
