#include "catch.hpp"
#include "world.hpp"

using namespace understudy::resilience;
using namespace understudy::resilience::test;

namespace {

using names = std::vector<std::string>;

bool is_near(double a, double b) { return std::abs(a - b) < 1e-6; }

script primary_does(reply what) {
  return [what](const std::string& address, double) { return address == "F" ? what : status(200); };
}

// Requests every 0.2 s, half-way between sweeps as in the specification: times at which the host
// was ejected and lengths of its absences.
struct absences {
  std::vector<double> ejected_at;
  std::vector<double> lengths;
};

absences run_dense(world& w, double until, const script& play) {
  absences found;
  double out_since = -1;
  for (int tick = 1; tick * 0.2 - 0.1 < until; ++tick) {
    const double now = tick * 0.2 - 0.1;
    w.request(now, play);
    for (const auto& e : w.state.take_events()) {
      if (e.what == health_event::kind::ejected) {
        out_since = to_seconds(e.at);
        found.ejected_at.push_back(out_since);
      } else if (e.what == health_event::kind::returned) {
        found.lengths.push_back(to_seconds(e.at) - out_since);
      }
    }
  }
  return found;
}

}  // namespace

TEST_CASE("7.1 the primary answers 500", "[timeline]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    world w{seed_params(), {{"F"}, {"G"}}, seed};
    const script broken = primary_does(status(500));

    told r = w.request(0.1, broken);
    CHECK(r.attempts == names{"F", "G"});
    CHECK(r.last.status == 200);
    REQUIRE(r.waits.size() == 1);
    CHECK(r.waits[0] < 0.0995);
    auto f = w.status_of("F", 0.3);
    CHECK(f.is_ejected);
    CHECK(f.multiplier == 1);
    CHECK(f.consecutive_5xx == 0);
    CHECK(f.ejected_until == at(6.0));

    for (const double t : {0.3, 2.0, 4.0, 5.1, 5.999}) {
      CHECK(w.request(t, broken).attempts == names{"G"});
    }
    f = w.status_of("F", 6.0);
    CHECK_FALSE(f.is_ejected);
    CHECK(f.multiplier == 1);

    r = w.request(6.1, broken);
    CHECK(r.attempts == names{"F", "G"});
    CHECK(w.status_of("F", 6.1).multiplier == 2);
    CHECK(w.status_of("F", 6.1).ejected_until == at(18.0));
    CHECK(w.request(17.9, broken).attempts == names{"G"});
    CHECK(w.request(18.1, broken).attempts == names{"F", "G"});
    CHECK(w.status_of("F", 18.1).multiplier == 3);
    CHECK(w.status_of("F", 18.1).ejected_until == at(34.0));
  }
}

TEST_CASE("7.1 nothing asked after the return until a sweep later", "[timeline]") {
  world w{seed_params(), {{"F"}, {"G"}}, 1};
  const script broken = primary_does(status(500));
  w.request(0.1, broken);
  CHECK(w.request(9.0, broken).attempts == names{"F", "G"});
  CHECK(w.status_of("F", 9.0).multiplier == 1);
  CHECK(w.status_of("F", 9.0).ejected_until == at(14.0));
}

TEST_CASE("7.1 absences under dense traffic", "[timeline]") {
  world w{seed_params(), {{"F"}, {"G"}}, 7};
  // Until every length up to the maximum of 300 s has been seen, and the maximum several times.
  const absences found = run_dense(w, 12'000, primary_does(status(500)));
  REQUIRE(found.lengths.size() > 65);
  const std::vector<double> first = {5.9, 11.9, 15.9, 21.9, 25.9, 31.9, 35.9};
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(is_near(found.lengths[i], first[i]));
  for (std::size_t i = 0; i < found.lengths.size(); ++i) {
    const double nominal = std::min(5.0 * static_cast<double>(i + 1), 300.0);
    CHECK(found.lengths[i] >= nominal);
    CHECK(found.lengths[i] < nominal + 2);
  }
  CHECK(is_near(found.lengths.back(), 301.9));
  CHECK(w.status_of("F", 12'000).multiplier == 61);
}

TEST_CASE("7.1 300 s of dense traffic: no client sees the failure", "[timeline]") {
  world w{seed_params(), {{"F"}, {"G"}}, 11};
  std::vector<double> paid;
  for (int tick = 1; tick <= 1500; ++tick) {
    const told r = w.request(tick * 0.2 - 0.1, primary_does(status(500)));
    REQUIRE(r.last.status == 200);
    if (r.attempts.size() > 1) paid.push_back(tick * 0.2 - 0.1);
  }
  const std::vector<double> windows = {0.1,   6.1,   18.1,  34.1,  56.1, 82.1,
                                       114.1, 150.1, 192.1, 238.1, 290.1};
  REQUIRE(paid.size() == windows.size());
  for (std::size_t i = 0; i < windows.size(); ++i) CHECK(is_near(paid[i], windows[i]));
}

TEST_CASE("7.2 refused connection and connect timeout fail over like a 500", "[timeline]") {
  for (const auto what : {failure_class::connect, failure_class::connect_timeout}) {
    world w{seed_params(), {{"F"}, {"G"}}, 3};
    const double takes = what == failure_class::connect_timeout ? 10.0 : 0.0;
    const told r = w.request(0.1, primary_does(fails(what, takes)));
    CHECK(r.attempts == names{"F", "G"});
    CHECK(r.last.status == 200);
    CHECK(r.ended >= 0.1 + takes);
    CHECK(r.ended < 0.2 + takes);
    CHECK(w.status_of("F", 0.1 + takes).is_ejected);
  }
}

TEST_CASE("7.3 a status that ejects and is not retried reaches one client a window", "[timeline]") {
  for (const int code : {501, 502, 503, 504, 529}) {
    CAPTURE(code);
    world w{seed_params(), {{"F"}, {"G"}}, 3};
    const script broken = primary_does(status(code));
    for (const double t : {0.1, 6.1, 18.1}) {
      const told r = w.request(t, broken);
      CHECK(r.attempts == names{"F"});
      CHECK(r.last.status == code);
      CHECK(r.step == next_step::accept);
      CHECK(r.why == stop_reason::not_retriable);
      CHECK(w.request(t + 0.1, broken).attempts == names{"G"});
    }
  }
}
