#include <map>
#include <set>
#include <thread>

#include <understudy/base/ascii.hpp>
#include <understudy/base/clock.hpp>
#include <understudy/base/random.hpp>
#include <understudy/base/result.hpp>
#include <understudy/base/text_writer.hpp>

#include "catch.hpp"

using namespace understudy::base;
using namespace std::chrono_literals;

namespace {

/// Two words for ever.
class two_words final : public random_source {
 public:
  two_words(std::uint64_t first, std::uint64_t second) : words_{first, second} {}
  std::uint64_t next() override { return words_[at_++ % 2]; }

 private:
  std::uint64_t words_[2];
  std::size_t at_ = 0;
};

}  // namespace

TEST_CASE("a seed gives the same sequence on every platform", "[random]") {
  // Computed apart from this code, from the definitions of splitmix64 and xoshiro256**; seed 42.
  seeded_random random{42};
  const std::uint64_t expected[] = {0x15780b2e0c2ec716ULL, 0x6104d9866d113a7eULL,
                                    0xae17533239e499a1ULL, 0xecb8ad4703b360a1ULL,
                                    0xfde6dc7fe2ec5e64ULL};
  for (const std::uint64_t value : expected) CHECK(random.next() == value);
  seeded_random a{7};
  seeded_random b{7};
  seeded_random other{8};
  bool is_different = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    CHECK(value == b.next());
    is_different = is_different || value != other.next();
  }
  CHECK(is_different);
}

TEST_CASE("below() stays below and is even", "[random]") {
  seeded_random random{1};
  for (const std::uint64_t bound : {1ULL, 2ULL, 3ULL, 10ULL, 1000ULL, ~0ULL})
    for (int i = 0; i < 200; ++i) CHECK(random.below(bound) < bound);
  std::map<std::uint64_t, int> seen;
  for (int i = 0; i < 70'000; ++i) ++seen[random.below(7)];
  REQUIRE(seen.size() == 7);
  for (const auto& [value, count] : seen) CHECK(std::abs(count - 10'000) < 500);
  two_words fixed{12345, 99};
  CHECK(fixed.below(100) == 45);
}

TEST_CASE("seeds of the operating system differ", "[random]") {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 16; ++i) seeds.insert(entropy_seed());
  CHECK(seeds.size() == 16);
}

TEST_CASE("UUIDs have the form of version 4", "[random]") {
  two_words zero{0, 0};
  CHECK(make_uuid(zero) == "00000000-0000-4000-8000-000000000000");
  two_words ones{~0ULL, ~0ULL};
  CHECK(make_uuid(ones) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  two_words mixed{0x0123456789abcdefULL, 0x0fedcba987654321ULL};
  CHECK(make_uuid(mixed) == "01234567-89ab-4def-8fed-cba987654321");
  seeded_random random{3};
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = make_uuid(random);
    REQUIRE(id.size() == 36);
    for (std::size_t at = 0; at < id.size(); ++at) {
      const bool is_dash = at == 8 || at == 13 || at == 18 || at == 23;
      CHECK((id[at] == '-') == is_dash);
      if (!is_dash) CHECK(std::string{"0123456789abcdef"}.find(id[at]) != std::string::npos);
    }
    CHECK(id[14] == '4');
    CHECK(std::string{"89ab"}.find(id[19]) != std::string::npos);
    CHECK(seen.insert(id).second);
  }
}

TEST_CASE("ASCII folding touches letters only", "[ascii]") {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const char expected = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    CHECK(to_lower(c) == expected);
  }
  CHECK(lower("Content-TYPE: \xC3\x84@[`{") == "content-type: \xC3\x84@[`{");
  CHECK(lower("").empty());
}

TEST_CASE("comparison without case", "[ascii]") {
  CHECK(iequals("", ""));
  CHECK(iequals("Keep-Alive", "keep-aLIVE"));
  CHECK_FALSE(iequals("keep", "keep-alive"));
  CHECK_FALSE(iequals("[", "{"));
  CHECK(istarts_with("Bearer x", "bearer "));
  CHECK(istarts_with("x", ""));
  CHECK_FALSE(istarts_with("Bear", "bearer"));
  CHECK_FALSE(istarts_with("xBearer ", "bearer"));
}

TEST_CASE("optional white space is space and tab", "[ascii]") {
  CHECK(trim(" \t a b\t ") == "a b");
  CHECK(trim("a") == "a");
  CHECK(trim("").empty());
  CHECK(trim(" \t ").empty());
  CHECK(trim("\r\na\n") == "\r\na\n");
}

TEST_CASE("simulated time is read by both clocks", "[clock]") {
  const time_point start{100s};
  const wall_time wall{std::chrono::sys_days{std::chrono::year{2025} / 1 / 2}};
  {
    simulated_time time{start, wall};
    CHECK(clock::now() == start);
    CHECK(wall_now() == wall);
    time.advance_to(start + 1500ms);
    CHECK(clock::now() == start + 1500ms);
    CHECK(wall_now() == wall + 1500ms);
    time.advance_to(start);  // never back
    CHECK(clock::now() == start + 1500ms);
    {
      simulated_time inner{time_point{5s}, wall + 1h};
      CHECK(clock::now() == time_point{5s});
      CHECK(wall_now() == wall + 1h);
    }
    CHECK(clock::now() == start + 1500ms);
    CHECK(wall_now() == wall + 1500ms);
  }
  CHECK(wall_now() > wall);
}

TEST_CASE("simulated time is one thread's", "[clock]") {
  const wall_time wall{1s};
  simulated_time time{time_point{1s}, wall};
  bool is_simulated = true;
  std::thread{[&] { is_simulated = wall_now() == wall; }}.join();
  CHECK_FALSE(is_simulated);
}

TEST_CASE("the real clock does not go back", "[clock]") {
  time_point last = clock::now();
  for (int i = 0; i < 1000; ++i) {
    const time_point now = clock::now();
    CHECK(now >= last);
    last = now;
  }
}

TEST_CASE("a result is a value or an error", "[result]") {
  const result<int> value = 3;
  const result<int> error = make_error_code(boost::system::errc::timed_out);
  CHECK(value.has_value());
  CHECK(*value == 3);
  CHECK(error.has_error());
  CHECK(error.error() == boost::system::errc::timed_out);
}

TEST_CASE("names of every length compare without regard to case, other bytes as they are") {
  for (std::size_t size = 1; size < 20; ++size) {
    const std::string name = std::string{"abcdefghijklmnopqrstuvwxyz"}.substr(0, size);
    for (std::size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string one = name;
        std::string other = name;
        one[at] = static_cast<char>(c);
        for (const int d : {c, c ^ 0x20, c ^ 0x80}) {
          other[at] = static_cast<char>(d);
          if (iequals(one, other) != (to_lower(one[at]) == to_lower(other[at])))
            FAIL(size << " " << at << " " << c << " " << d);
        }
      }
    }
  }
  CHECK_FALSE(iequals("content-length", "content-lengtH "));
}

TEST_CASE("a text writer appends whatever the sizes") {
  std::string out = "before ";
  std::string expected = out;
  {
    text_writer writer{out, 8};
    for (std::size_t i = 0; i < 40; ++i) {
      const std::string piece(i, 'x');
      writer.put("literal", ' ', piece, std::string_view{});
      writer.put_number(i * 1'000'003);
      writer.put_number(-1);
      expected += "literal " + piece + std::to_string(i * 1'000'003) + "-1";
    }
  }
  CHECK(out == expected);
  { text_writer nothing{out}; }
  CHECK(out == expected);
}
