#include <understudy/codec/event_gate.hpp>

#include <string>

#include "catch.hpp"

using understudy::codec::end_of_events;
using understudy::codec::event_gate;

TEST_CASE("the end of the last whole event") {
  struct row {
    std::string bytes;
    std::size_t end;
  };
  const row rows[] = {
      {"", 0},
      {"data: a", 0},
      {"data: a\n", 0},
      {"data: a\n\n", 9},
      {"data: a\n\ndata: b", 9},
      {"data: a\n\ndata: b\n", 9},
      {"data: a\r\n\r\n", 11},
      {"data: a\r\n\r\nx", 11},
      {"data: a\r\n", 0},
      {"data: a\r\r", 9},
      {"data: a\n\r\n", 10},
      {"\n", 0},
      {": ping\n\n: ping\n\n", 16},
  };
  for (const auto& r : rows) {
    CAPTURE(r.bytes);
    CHECK(end_of_events(r.bytes) == r.end);
  }
}

TEST_CASE("only whole events pass, however they are cut") {
  const std::string stream = "data: one\n\n: ping\r\n\r\ndata: two\ndata: more\n\ndata: half";
  const std::string whole = stream.substr(0, stream.rfind("data: half"));
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    CAPTURE(step);
    event_gate gate;
    std::string out;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      gate.pass(std::string_view{stream}.substr(at, step), out);
      CHECK((out.empty() || out.ends_with("\n\n") || out.ends_with("\n\r") ||
             out.ends_with("\r\n\r\n")));
    }
    CHECK(out == whole);
    gate.finish(out);
    CHECK(out == stream);
  }
}

TEST_CASE("an event beyond the limit opens the gate") {
  event_gate gate{16};
  std::string out;
  gate.pass("data: 0123456789", out);
  CHECK(out.empty());
  CHECK(gate.is_between_events());
  gate.pass("0", out);
  CHECK(out == "data: 01234567890");
  CHECK_FALSE(gate.is_between_events());
  gate.pass("x", out);
  CHECK(out == "data: 01234567890x");
}

TEST_CASE("the end of the first event") {
  using understudy::codec::end_of_first_event;
  CHECK(end_of_first_event("data: a\n\ndata: b\n\n") == 9);
  CHECK(end_of_first_event("data: a\r\n\r\ndata: b") == 11);
  CHECK(end_of_first_event("data: a\ndata: b") == 15);
  CHECK(end_of_first_event("\ndata: b\n\n") == 10);
  CHECK(end_of_first_event("") == 0);
}
