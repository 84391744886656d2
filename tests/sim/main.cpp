#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <understudy/telemetry/log.hpp>

#include "sim/run.hpp"

/// understudy_sim [--seeds N] [--first S] [--seed S] [--verbose] [--test]
namespace {

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t count = 500;
  bool is_single = false;
  bool is_verbose = false;
  bool is_test = false;  ///< closing line as the other test programs have it
};

bool read(int argc, char** argv, arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view option{argv[i]};
    if (option == "--verbose") {
      out.is_verbose = true;
      continue;
    }
    if (option == "--test") {
      out.is_test = true;
      continue;
    }
    if (i + 1 >= argc) return false;
    char* end = nullptr;
    const std::uint64_t value = std::strtoull(argv[++i], &end, 10);
    if (*end != '\0') return false;
    if (option == "--seeds") {
      out.count = value;
    } else if (option == "--first") {
      out.first = value;
    } else if (option == "--seed") {
      out.first = value;
      out.count = 1;
      out.is_single = true;
    } else {
      return false;
    }
  }
  return true;
}

void tell(std::uint64_t seed, const sim::result& r, const arguments& given) {
  if (given.is_verbose) {
    std::printf("%s\n", r.yaml.c_str());
    for (const auto& line : r.trace) std::printf("%s\n", line.c_str());
  }
  if (given.is_single)
    for (const auto& p : r.problems) std::printf("  %s\n", p.c_str());
  if (!r.problems.empty())
    std::printf("./dev sim --seed %llu    # %s; %s\n", static_cast<unsigned long long>(seed),
                r.problems.front().c_str(), r.about.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  if (!read(argc, argv, given)) {
    std::fprintf(stderr, "usage: %s [--seeds N] [--first S] [--seed S [--verbose]]\n", argv[0]);
    return 2;
  }
  understudy::telemetry::log::init("off", understudy::telemetry::log_format::text);
  const auto began = std::chrono::steady_clock::now();
  std::size_t exchanges = 0;
  std::size_t attempts = 0;
  std::size_t good = 0;
  std::size_t failed = 0;
  std::map<std::string, std::size_t> outcomes;
  for (std::uint64_t seed = given.first; seed < given.first + given.count; ++seed) {
    const auto r = sim::run_seed(seed, given.is_verbose);
    exchanges += r.exchanges;
    attempts += r.attempts;
    good += r.good_answers;
    for (const auto& [outcome, count] : r.outcomes) outcomes[outcome] += count;
    if (!r.problems.empty() || given.is_single) tell(seed, r, given);
    if (!r.problems.empty()) ++failed;
    std::fflush(stdout);
  }
  for (const auto& [outcome, count] : outcomes) std::printf("%s %zu  ", outcome.c_str(), count);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%llu seeds, %zu failed: %zu exchanges (%zu with a whole answer), %zu attempts; "
      "%.1f s, %.0f exchanges a second\n",
      static_cast<unsigned long long>(given.count), failed, exchanges, good, attempts, took.count(),
      static_cast<double>(exchanges) / took.count());
  if (given.is_test && failed == 0)
    std::printf("All tests passed (%zu exchanges in 1 test case)\n", exchanges);
  return failed == 0 ? 0 : 1;
}
