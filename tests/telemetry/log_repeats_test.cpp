#include <understudy/telemetry/log_repeats.hpp>

#include <string>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::telemetry::log;
using std::chrono::milliseconds;

namespace {

struct player {
  repeat_filter filter;
  base::time_point at(int ms) const { return base::time_point{milliseconds{ms}}; }
  bool say(int ms, std::string_view message, std::string_view room = "net",
           level l = level::warning) {
    return filter.lets_through(l, room, message, at(ms));
  }
  std::uint64_t told(int ms, bool is_last = false) {
    std::uint64_t times = 0;
    for (const auto& s : filter.due(at(ms), is_last)) times += s.times;
    return times;
  }
};

}  // namespace

TEST_CASE("a message that floods the log is shown, then counted") {
  player p;
  CHECK(p.say(0, "broken"));
  for (int ms = 1; ms < 1000; ++ms) CHECK_FALSE(p.say(ms, "broken"));
  CHECK(p.told(999) == 0);
  CHECK(p.filter.next() == p.at(1000));
  CHECK(p.told(1000) == 999);
  // It goes on: from now on every ten seconds.
  for (int ms = 1000; ms < 11'000; ms += 10) CHECK_FALSE(p.say(ms, "broken"));
  CHECK(p.told(10'999) == 0);
  CHECK(p.told(11'000) == 1000);
  // It stops, and comes back after its window.
  CHECK(p.told(21'000) == 0);
  CHECK(p.say(21'000, "broken"));
}

TEST_CASE("what differs in level, room or text is another message") {
  player p;
  CHECK(p.say(0, "a"));
  CHECK(p.say(1, "b"));
  CHECK(p.say(2, "a", "health"));
  CHECK(p.say(3, "a", "net", level::error));
  CHECK_FALSE(p.say(4, "a"));
}

TEST_CASE("a person who does the same thing twice sees it twice") {
  player p;
  CHECK(p.say(0, "reload refused"));
  CHECK(p.say(1000, "reload refused"));
  CHECK(p.say(2500, "reload refused"));
  CHECK(p.told(60'000) == 0);
}

TEST_CASE("nothing is held back at the end") {
  player p;
  p.say(0, "a");
  p.say(1, "a");
  CHECK(p.told(2, true) == 1);
  CHECK(p.told(3, true) == 0);
}

TEST_CASE("more messages than are known pass as they are") {
  player p;
  for (std::size_t i = 0; i < repeat_filter::max_messages; ++i) p.say(0, std::to_string(i));
  CHECK(p.say(1, "one more"));
  CHECK(p.say(2, "one more"));
  CHECK(p.say(2000, "one more"));  // the old ones are forgotten by now
  CHECK_FALSE(p.say(2001, "one more"));
}
