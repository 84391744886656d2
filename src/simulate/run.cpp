#include <algorithm>

#include "simulate/explain.hpp"

namespace understudy::simulate {
namespace {

// A change is tried out by playing everything again; not where that would be long.
constexpr std::uint64_t max_requests_again = 500'000;
constexpr std::size_t max_tried = 6;

double in_milliseconds(microseconds t) { return static_cast<double>(t.count()) / 1000.0; }

double measure(const config::scenario_expectation& wanted, const report& r) {
  using subject = config::scenario_expectation::subject;
  const auto sum = [&](auto member) {
    double total = 0;
    for (const auto& b : r.backends)
      if (b.name == wanted.backend) total += static_cast<double>(b.*member);
    return total;
  };
  switch (wanted.what) {
    case subject::client_errors:
      return static_cast<double>(r.errors);
    case subject::availability:
      return r.availability;
    case subject::p50:
      return in_milliseconds(r.first_content.p50);
    case subject::p90:
      return in_milliseconds(r.first_content.p90);
    case subject::p95:
      return in_milliseconds(r.first_content.p95);
    case subject::p99:
      return in_milliseconds(r.first_content.p99);
    case subject::longest:
      return in_milliseconds(r.longest);
    case subject::cost_factor:
      return r.cost_factor;
    case subject::attempts:
      return sum(&backend_story::attempts);
    case subject::ejections:
      break;
  }
  return sum(&backend_story::ejections);
}

bool holds(double got, config::comparison how, double wanted) {
  switch (how) {
    case config::comparison::at_most:
      return got <= wanted;
    case config::comparison::at_least:
      return got >= wanted;
    case config::comparison::less:
      return got < wanted;
    case config::comparison::greater:
      return got > wanted;
    case config::comparison::equal:
      break;
  }
  return got == wanted;
}

std::vector<client_cause> explain_all(const world& outside, const recorder& seen,
                                      const report& story) {
  std::vector<explanation> all;
  for (const auto& [cause, stats] : seen.causes())
    all.push_back(explain(outside, cause, stats, story.backends));
  std::ranges::stable_sort(
      all, [](const explanation& a, const explanation& b) { return a.told.count > b.told.count; });
  std::vector<client_cause> out;
  for (auto& one : all) {
    if (one.change.change && out.size() < max_tried && story.requests <= max_requests_again) {
      recorder again{outside};
      play(outside, again, &one.change);
      one.told.errors_with_change = again.errors();
      if (again.errors() >= story.errors) one.told.change.clear();
    }
    out.push_back(std::move(one.told));
  }
  return out;
}

}  // namespace

run_result run(const plan::plan& compiled, const config::scenario& scenario,
               std::vector<std::string> configuration) {
  run_result result;
  const world outside{compiled, scenario, result.findings};
  if (config::has_error(result.findings)) return result;
  recorder seen{outside};
  const auto last = play(outside, seen);
  auto story = seen.finish(last);
  story.configuration = std::move(configuration);
  story.causes = explain_all(outside, seen, story);
  for (const auto& s : outside.sites())
    if (const auto limit = limit_of(*s.rule))
      story.policy_limit = std::max(story.policy_limit.value_or(microseconds{0}), *limit);
  for (const auto& wanted : scenario.expectations) {
    const double got = measure(wanted, story);
    story.expectations.push_back({wanted, got, holds(got, wanted.how, wanted.value)});
  }
  result.story = std::move(story);
  return result;
}

}  // namespace understudy::simulate
