#include <understudy/credentials/refresh.hpp>

#include "catch.hpp"
#include "credentials/clock.hpp"

using namespace understudy;
using credentials::refresh_schedule;
using credentials::tests::start;
using namespace std::chrono_literals;

TEST_CASE("keys are refreshed in time") {
  struct row {
    const char* what;
    std::optional<std::chrono::seconds> life;
    bool is_reread;
    std::optional<std::chrono::seconds> next;  ///< absent: never
  };
  const row rows[] = {
      {"for ever", std::nullopt, false, std::nullopt},
      {"for ever, but of a file", std::nullopt, true, 300s},
      {"an hour: 5 min before the end", 3'600s, false, 3'300s},
      {"an hour, of a file", 3'600s, true, 300s},
      {"ten minutes", 600s, false, 300s},
      {"shorter: half of it", 500s, false, 250s},
      {"a minute", 60s, false, 30s},
      {"dead on arrival", -10s, false, 1s},
      {"dying on arrival", 1s, false, 1s},
  };
  for (const auto& r : rows) {
    CAPTURE(r.what);
    refresh_schedule schedule;
    CHECK(schedule.next() <= start);
    schedule.succeeded(start, r.life ? std::optional{start + *r.life} : std::nullopt, r.is_reread);
    CHECK(schedule.next() == (r.next ? start + *r.next : base::wall_time::max()));
  }
}

TEST_CASE("failures back off to a minute and a success ends that") {
  refresh_schedule schedule;
  auto now = start;
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    schedule.failed(now);
    CHECK(schedule.next() - now == wait);
    now = schedule.next();
  }
  schedule.succeeded(now, std::nullopt, false);
  schedule.failed(now);
  CHECK(schedule.next() - now == 1s);
}
