#include <understudy/codec/chunked.hpp>

#include <string>
#include <vector>

#include <understudy/base/random.hpp>

#include "catch.hpp"

namespace understudy::codec {
namespace {

using failure = chunk_tracker::failure;

struct decoded {
  std::string data;
  std::size_t consumed = 0;
  bool is_done = false;
  failure why = failure::none;
  bool operator==(const decoded&) const = default;
};

template <class F>
decoded decode(std::string_view bytes, F next_size) {
  chunk_tracker tracker;
  decoded out;
  while (!bytes.empty() && !tracker.is_done() && !tracker.has_failed()) {
    const std::string piece{bytes.substr(0, next_size())};
    std::string_view rest = piece;
    while (!rest.empty() && !tracker.is_done() && !tracker.has_failed()) {
      std::string_view data;
      const auto n = tracker.next(rest, data);
      out.data += data;
      out.consumed += n;
      rest.remove_prefix(n);
    }
    bytes.remove_prefix(piece.size());
  }
  out.is_done = tracker.is_done();
  out.why = tracker.error();
  CHECK(tracker.data_bytes() == out.data.size());
  return out;
}

decoded decode(std::string_view bytes) {
  return decode(bytes, [&] { return bytes.size(); });
}

TEST_CASE("chunked bodies decode", "[chunked]") {
  struct row {
    std::string bytes;
    std::string data;
    std::size_t left = 0;  ///< bytes behind the body
  };
  const std::vector<row> rows{
      {"0\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r\n0\r\n\r\nGET /", "hello", 5},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
      {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"A\r\n0123456789\r\n00\r\n\r\n", "0123456789"},
      {"0005\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5;name=value\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5;a=\"q\t;\"\r\nhello\r\n0;last\r\n\r\n", "hello"},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
      {"0\r\nTrailer: x\r\nOther: y\r\n\r\n", ""},
      {"0\r\nEmpty:\r\n\r\nrest", "", 4},
      {"1;" + std::string(1023, 'x') + "\r\na\r\n0\r\n\r\n", "a"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    const decoded expected{row.data, row.bytes.size() - row.left, true, failure::none};
    CHECK(decode(row.bytes) == expected);
    CHECK(decode(row.bytes, [] { return std::size_t{1}; }) == expected);
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      base::seeded_random random{seed};
      CHECK(decode(row.bytes, [&] { return 1 + random.below(6); }) == expected);
    }
  }
}

TEST_CASE("what is not exactly chunked is refused", "[chunked]") {
  struct row {
    std::string bytes;
    failure why;
  };
  const std::vector<row> rows{
      {"\r\n", failure::invalid_size},
      {"g\r\n", failure::invalid_size},
      {" 5\r\nhello\r\n", failure::invalid_size},
      {"5 \r\nhello\r\n", failure::invalid_size},
      {"5 ;x\r\nhello\r\n", failure::invalid_size},
      {"+5\r\nhello\r\n", failure::invalid_size},
      {"-5\r\nhello\r\n", failure::invalid_size},
      {"0x5\r\nhello\r\n", failure::invalid_size},
      {"5,5\r\nhello\r\n", failure::invalid_size},
      {"5\nhello\r\n", failure::invalid_size},
      {"5\r\rhello", failure::invalid_line_end},
      {"5\rhello", failure::invalid_line_end},
      {"5\r\nhelloX\r\n", failure::invalid_line_end},
      {"5\r\nhello\n", failure::invalid_line_end},
      {"5\r\nhello\r0", failure::invalid_line_end},
      {"5\r\nhello0\r\n\r\n", failure::invalid_line_end},
      {"10000000001\r\n", failure::size_too_large},
      {"ffffffffffffffff\r\n", failure::size_too_large},
      {"fffffffffffffffff\r\n", failure::size_too_large},
      {"00000000000000005\r\nhello\r\n", failure::size_too_large},
      {"5;a\nb\r\nhello\r\n", failure::invalid_extension},
      {std::string{"5;a\0b\r\n", 7}, failure::invalid_extension},
      {"5;a\x7f\r\n", failure::invalid_extension},
      {"5;" + std::string(1024, 'x'), failure::extension_too_large},
      {"0\r\n\n", failure::invalid_trailer},
      {"0\r\n X: y\r\n\r\n", failure::invalid_trailer},
      {"0\r\n: y\r\n\r\n", failure::invalid_trailer},
      {"0\r\nX y: z\r\n\r\n", failure::invalid_trailer},
      {"0\r\nX\r\n\r\n", failure::invalid_trailer},
      {"0\r\nX: y\n\r\n", failure::invalid_trailer},
      {"0\r\nX: y\r\r\n", failure::invalid_line_end},
      {"0\r\nX: y\r\n folded\r\n\r\n", failure::invalid_trailer},
      {"0\r\nX: " + std::string(9000, 'y'), failure::trailer_too_large},
      {"0\r\n\rX", failure::invalid_line_end},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes.substr(0, 60));
    CHECK(describe(decode(row.bytes).why) == describe(row.why));
    CHECK(decode(row.bytes, [] { return std::size_t{1}; }).why == row.why);
  }
}

TEST_CASE("many small chunks cannot carry more extension than data", "[chunked]") {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += "1;" + std::string(1000, 'x') + "\r\na\r\n";
  CHECK(decode(bytes).why == failure::extension_too_large);
}

TEST_CASE("a passed body is told apart from what follows", "[chunked]") {
  struct row {
    std::string bytes;
    std::string forwarded;
    std::size_t consumed;
  };
  const std::string plain = "5\r\nhello\r\n0\r\n\r\n";
  for (const auto& [bytes, forwarded, consumed] :
       {row{plain, plain, plain.size()}, row{plain + "HTTP/1.1", plain, plain.size()},
        row{"5\r\nhello\r\n0\r\nX: y\r\n\r\nrest", plain, 21}}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
      CAPTURE(bytes, size);
      chunk_tracker tracker;
      std::string out;
      std::size_t used = 0;
      for (std::size_t at = 0; at < bytes.size() && !tracker.is_done(); at += size) {
        const auto piece = std::string_view{bytes}.substr(at, size);
        const auto passed = tracker.pass(piece);
        out += piece.substr(0, passed.forward);
        if (passed.needs_end) out += "\r\n";
        used += passed.consumed;
      }
      CHECK(tracker.is_done());
      CHECK(out == forwarded);
      CHECK(used == consumed);
    }
  }
}

TEST_CASE("boundaries between chunks", "[chunked]") {
  chunk_tracker tracker;
  std::vector<bool> seen{tracker.is_at_chunk_boundary()};
  for (const char c : std::string_view{"1\r\na\r\n0\r\n\r\n"}) {
    tracker.pass({&c, 1});
    seen.push_back(tracker.is_at_chunk_boundary());
  }
  CHECK(seen == std::vector<bool>{true, false, false, false, false, false, true, false, false,
                                  false, false, false});
  CHECK(tracker.is_done());
  CHECK(tracker.pass("x").consumed == 0);
}

TEST_CASE("a failing body is passed only as far as it is well formed", "[chunked]") {
  chunk_tracker tracker;
  const auto passed = tracker.pass("5\r\nhelloX");
  CHECK(passed.consumed == 8);
  CHECK(passed.forward == 8);
  CHECK(tracker.has_failed());
  CHECK(tracker.pass("\r\n").consumed == 0);
}

}  // namespace
}  // namespace understudy::codec
