#include <understudy/codec/text.hpp>

#include <understudy/base/random.hpp>

#include "catch.hpp"

namespace understudy::codec {
namespace {

TEST_CASE("base64", "[text]") {
  struct row {
    const char* plain;
    const char* coded;
  };
  for (const auto& [plain, coded] : {row{"", ""}, row{"f", "Zg=="}, row{"fo", "Zm8="},
                                     row{"foo", "Zm9v"}, row{"foobar", "Zm9vYmFy"}}) {
    CHECK(base64_encode(plain) == coded);
    CHECK(base64_decode(coded) == std::string{plain});
  }
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v\n", "Zm-v", "=Zg="}) {
    CAPTURE(bad);
    CHECK(!base64_decode(bad));
  }
  base::seeded_random random{5};
  for (int i = 0; i < 100; ++i) {
    std::string bytes;
    for (auto n = random.below(50); n > 0; --n)
      bytes.push_back(static_cast<char>(random.below(256)));
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
  }
}

TEST_CASE("percent encodings", "[text]") {
  CHECK(path_escape("anthropic.claude-3:0") == "anthropic.claude-3:0");
  CHECK(path_escape("arn:aws:x/y") == "arn:aws:x%2Fy");
  CHECK(path_escape("a b?c#d%e;f,g") == "a%20b%3Fc%23d%25e%3Bf%2Cg");
  CHECK(path_escape("$&+=@~_-.") == "$&+=@~_-.");
  CHECK(path_escape("\u00e9!*'()") == "%C3%A9%21%2A%27%28%29");
  CHECK(uri_escape("/a:b%2F", true) == "/a%3Ab%252F");
  CHECK(uri_escape("/a", false) == "%2Fa");
}

TEST_CASE("dates", "[text]") {
  const base::wall_time t{std::chrono::seconds{1767323045}};
  CHECK(amz_date(t) == "20260102T030405Z");
  CHECK(http_date(t) == "Fri, 02 Jan 2026 03:04:05 GMT");
  CHECK(rfc3339(t) == "2026-01-02T03:04:05Z");
  CHECK(unix_seconds(t + std::chrono::microseconds{999'999}) == 1767323045);
  CHECK(rfc3339(base::wall_time{std::chrono::seconds{1709251199}}) == "2024-02-29T23:59:59Z");
  CHECK(hex("\x01\xAF") == "01af");
}

}  // namespace
}  // namespace understudy::codec
