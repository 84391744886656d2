#include <understudy/codec/sse.hpp>

#include <tuple>
#include <vector>

#include <understudy/base/random.hpp>

#include "catch.hpp"

namespace understudy::codec {
namespace {

using sse_step = sse_scanner::step;
using kept = std::tuple<std::string, std::string, std::string>;  // type, data, id

template <class F>
std::vector<kept> scan(std::string_view bytes, F next_size) {
  sse_scanner scanner;
  std::vector<kept> out;
  while (!bytes.empty()) {
    const std::string piece{bytes.substr(0, next_size())};
    bytes.remove_prefix(piece.size());
    std::string_view rest = piece;
    sse_event event;
    sse_step last{};
    while ((last = scanner.next(rest, event)) == sse_step::event)
      out.emplace_back(event.type, event.data, event.id);
    CHECK(last == sse_step::need_more);
    CHECK(rest.empty());
  }
  return out;
}

TEST_CASE("server-sent events", "[sse]") {
  struct row {
    std::string bytes;
    std::vector<kept> events;
  };
  const std::vector<row> rows{
      {"data: a\n\n", {{"", "a", ""}}},
      {"data:a\n\n", {{"", "a", ""}}},
      {"data:  a\n\n", {{"", " a", ""}}},
      {"data: a\r\n\r\ndata: b\r\n\r\n", {{"", "a", ""}, {"", "b", ""}}},
      {"data: a\r\rdata: b\r\r", {{"", "a", ""}, {"", "b", ""}}},
      {"\r\r\rdata: a\r\rdata: b\r\r", {{"", "a", ""}, {"", "b", ""}}},
      {"data: a\n\r\ndata: b\r\n\n", {{"", "a", ""}, {"", "b", ""}}},
      {"data: a\ndata: b\n\n", {{"", "a\nb", ""}}},
      {"data: a\ndata\ndata: c\n\n", {{"", "a\n\nc", ""}}},
      {"event: x\ndata: a\nid: 7\n\n", {{"x", "a", "7"}}},
      {"event:error\ndata:{}\n\n", {{"error", "{}", ""}}},
      {"event: ping\n\n", {{"ping", "", ""}}},
      {": comment\n\n", {}},
      {": comment\ndata: a\n\n", {{"", "a", ""}}},
      {":\n\n:\n\ndata: a\n\n", {{"", "a", ""}}},
      {"\n\n\ndata: a\n\n\n\n", {{"", "a", ""}}},
      {"retry: 5\nother\ndatax: 1\n\n", {}},
      {"data: a\n", {}},
      {"data: a", {}},
      {"\xEF\xBB\xBF"
       "data: a\n\n",
       {{"", "a", ""}}},
      {"data: \n\n", {{"", "", ""}}},
      {"data: [DONE]\n\n", {{"", "[DONE]", ""}}},
      {"data: a:b: c\n\n", {{"", "a:b: c", ""}}},
      {"event: x\r\ndata: a\r\nid: 7\r\n\r\n: comment\r\n\r\ndata: b\r\n\r\n",
       {{"x", "a", "7"}, {"", "b", ""}}},
      {"data: a\rdata: b\r\rdata: c\n\ndata: d\r\n\r\n",
       {{"", "a\nb", ""}, {"", "c", ""}, {"", "d", ""}}},
      {"data: a\n\ndata: b\ndata: c\n\ndata: d\n\n",
       {{"", "a", ""}, {"", "b\nc", ""}, {"", "d", ""}}},
      {"data: " + std::string(3000, 'x') + "\n\n", {{"", std::string(3000, 'x'), ""}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes.substr(0, 60));
    CHECK(scan(row.bytes, [&] { return row.bytes.size(); }) == row.events);
    CHECK(scan(row.bytes, [] { return std::size_t{1}; }) == row.events);
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      base::seeded_random random{seed};
      CHECK(scan(row.bytes, [&] { return 1 + random.below(9); }) == row.events);
    }
  }
}

TEST_CASE("an event is bounded, pieces are known", "[sse]") {
  sse_scanner scanner{32};
  sse_event event;
  std::string_view bytes = "data: short\n\ndata: x";
  CHECK(scanner.next(bytes, event) == sse_step::event);
  CHECK(event.data == "short");
  CHECK(scanner.is_between_events());
  CHECK(scanner.next(bytes, event) == sse_step::need_more);
  CHECK(!scanner.is_between_events());
  const std::string rest(40, 'y');
  bytes = rest;
  CHECK(scanner.next(bytes, event) == sse_step::too_large);
  bytes = "\n\ndata: a\n\n";
  CHECK(scanner.next(bytes, event) == sse_step::too_large);
}

TEST_CASE("an event has the same size however it is cut", "[sse]") {
  // 16 bytes up to the line end that closes it.
  for (const std::string_view text : {"data: 12345678\n\n", "data: 1234567\r\n\r\n"}) {
    for (const std::size_t limit : {15U, 16U}) {
      for (const std::size_t cut : {text.size(), std::size_t{1}, std::size_t{5}}) {
        sse_scanner scanner{limit};
        sse_event event;
        auto last = sse_step::need_more;
        for (auto rest = text; !rest.empty() && last == sse_step::need_more;) {
          auto piece = rest.substr(0, cut);
          rest.remove_prefix(piece.size());
          last = scanner.next(piece, event);
        }
        CHECK(last == (limit == 16 ? sse_step::event : sse_step::too_large));
      }
    }
  }
}

TEST_CASE("the rest of the last line end is no part of an event", "[sse]") {
  for (const std::string_view text : {"data: a\r\n\r\n", "data: a\n\n", "data: a\r\r"}) {
    sse_scanner scanner;
    sse_event event;
    auto bytes = text;
    CHECK(scanner.next(bytes, event) == sse_step::event);
    CHECK(scanner.next(bytes, event) == sse_step::need_more);
    CHECK(scanner.is_between_events());
  }
}

TEST_CASE("empty lines without end cost no more than their bytes", "[sse]") {
  const std::string lines(std::size_t{8} << 20,
                          '\r');  // minutes where each looks at all that follow
  sse_scanner scanner{1024};
  sse_event event;
  std::string_view rest = lines;
  CHECK(scanner.next(rest, event) == sse_step::need_more);
  CHECK(rest.empty());
}

}  // namespace
}  // namespace understudy::codec
