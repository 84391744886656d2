#include <understudy/telemetry/exposition.hpp>

#include <cmath>

#include "catch.hpp"
#include "telemetry/page_parser.hpp"

using namespace understudy::telemetry;
using tests::parse_page;

TEST_CASE("a counter's family is named as each format wants it") {
  for (const bool is_openmetrics : {false, true}) {
    exposition out{is_openmetrics};
    out.family("things", metric_type::counter, "Things.");
    out.sample({}, std::uint64_t{7});
    CHECK(out.finish() ==
          (is_openmetrics ? "# HELP things Things.\n# TYPE things counter\nthings_total 7\n# EOF\n"
                          : "# HELP things_total Things.\n# TYPE things_total counter\n"
                            "things_total 7\n"));
  }
}

TEST_CASE("label values survive a parse back") {
  const std::string hostile = "a\"b\\c\nd{},= e";
  exposition out{false};
  out.family("g", metric_type::gauge, "G.");
  out.sample({{"x", hostile}, {"y", ""}}, 1.5);
  const auto page = parse_page(out.finish(), false);
  const auto& s = page.families.at("g").samples.at(0);
  CHECK(s.labels == std::map<std::string, std::string>{{"x", hostile}, {"y", ""}});
  CHECK(s.number() == 1.5);
}

TEST_CASE("histograms are cumulative, complete and consistent") {
  using std::chrono::milliseconds;
  histogram h;
  for (const auto ms : {0, 1, 2, 5, 6, 1'000, 1'001, 600'000, 700'000}) h.observe(milliseconds{ms});
  h.observe(understudy::base::duration{-1});
  for (const bool is_openmetrics : {false, true}) {
    exposition out{is_openmetrics};
    out.family("h", metric_type::histogram, "H.");
    out.sample({{"route", "r"}}, h);
    const auto page = parse_page(out.finish(), is_openmetrics);
    const auto& samples = page.families.at("h").samples;
    double previous = -1;
    double previous_bound = -1;
    for (std::size_t i = 0; i + 2 < samples.size(); ++i) {
      const auto& bound = samples[i].labels.at("le");
      const double number = bound == "+Inf" ? HUGE_VAL : std::stod(bound);
      CHECK(number > previous_bound);
      CHECK(samples[i].number() >= previous);
      CHECK((!is_openmetrics || bound == "+Inf" || bound.find('.') != std::string::npos));
      previous = samples[i].number();
      previous_bound = number;
    }
    CHECK(previous_bound == HUGE_VAL);
    CHECK(page.at("h", "h_count", {{"route", "r"}}).number() == 10);
    CHECK(previous == 10);
    CHECK(tests::is_near(page.at("h", "h_sum", {{"route", "r"}}).number(), 1302.015));
    // Bounds are inclusive.
    const std::string one = is_openmetrics ? "1.0" : "1";
    CHECK(page.at("h", "h_bucket", {{"route", "r"}, {"le", "0.001"}}).number() == 3);
    CHECK(page.at("h", "h_bucket", {{"route", "r"}, {"le", "0.005"}}).number() == 5);
    CHECK(page.at("h", "h_bucket", {{"route", "r"}, {"le", one}}).number() == 7);
  }
}

TEST_CASE("quantiles interpolate and never leave the range") {
  histogram h;
  CHECK(h.quantile(0.5) == 0);
  for (int i = 0; i < 100; ++i) h.observe(std::chrono::milliseconds{80});
  CHECK(tests::is_near(h.quantile(0.5), 75));
  CHECK(tests::is_near(h.quantile(1), 100));
  h = {};
  h.observe(std::chrono::hours{1});
  CHECK(h.quantile(0.99) == 600'000);
}

TEST_CASE("OpenMetrics only when it is preferred") {
  struct row {
    std::string_view accept;
    bool is_wanted;
  };
  const row rows[] = {
      {"", false},
      {"*/*", false},
      {"text/plain", false},
      {"application/openmetrics-text", true},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8", true},
      {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", true},
      {"application/openmetrics-text;q=0.2, text/plain;q=0.9", false},
      {"APPLICATION/OpenMetrics-Text ; q=1.0", true},
      {"application/openmetrics-text;q=0", false},
      {"application/openmetrics-text;q=junk", false},
      {"application/openmetrics-textual", false},
      {",,;;,", false},
  };
  for (const auto& r : rows) {
    CAPTURE(r.accept);
    CHECK(exposition::is_openmetrics_wanted(r.accept) == r.is_wanted);
  }
}
