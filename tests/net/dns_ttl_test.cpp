#include <understudy/net/dns_ttl.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using namespace understudy;
using namespace std::string_literals;

namespace {

std::string number16(unsigned n) {
  return {static_cast<char>(n >> 8 & 0xFF), static_cast<char>(n & 0xFF)};
}

/// A record of the name asked for (a pointer to offset 12).
std::string record(unsigned type, unsigned ttl, const std::string& data) {
  return "\xC0\x0C"s + number16(type) + number16(1) + number16(ttl >> 16) + number16(ttl & 0xFFFF) +
         number16(static_cast<unsigned>(data.size())) + data;
}

std::string message(const std::vector<std::string>& answers, unsigned announced) {
  std::string out = number16(7) + number16(0x8180) + number16(1) + number16(announced) +
                    number16(0) + number16(0) + "\3api\7example\0"s + number16(1) + number16(1);
  for (const auto& answer : answers) out += answer;
  return out;
}

std::optional<std::chrono::seconds> ttl_of(const std::string& bytes) {
  return net::smallest_ttl({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

}  // namespace

TEST_CASE("the smallest TTL of an answer counts, an alias's too") {
  const auto address = record(1, 30, "\x7F\0\0\1"s);
  CHECK(ttl_of(message({address, record(1, 5, "\x7F\0\0\2"s)}, 2)) == std::chrono::seconds{5});
  CHECK(ttl_of(message({record(5, 3, "\1a\xC0\x0C"s), address}, 2)) == std::chrono::seconds{3});
  CHECK(ttl_of(message({record(28, 70'000, std::string(16, '\1'))}, 1)) ==
        std::chrono::seconds{70'000});
  CHECK(ttl_of(message({}, 0)) == std::nullopt);
}

TEST_CASE("a damaged answer has no TTL") {
  const auto whole = message({record(1, 30, "\x7F\0\0\1"s)}, 1);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(ttl_of(whole.substr(0, n)) == std::nullopt);
  }
  CHECK(ttl_of(message({record(1, 30, "\x7F\0\0\1"s)}, 2)) == std::nullopt);
}
