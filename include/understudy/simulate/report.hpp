#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <understudy/config/scenario.hpp>
#include <understudy/plan/plan.hpp>

/// What a simulation has seen. Times count from the start of the scenario.
namespace understudy::simulate {

using std::chrono::microseconds;

enum class row_kind : std::uint8_t {
  fault,  ///< a fault begins
  over,   ///< a fault ends
  error,  ///< clients see errors of one cause
  ejected,
  returned,
  refused,  ///< an ejection that the cap did not allow
  panic,    ///< nobody is in service: calls go to ejected endpoints
  moved,    ///< requests answered by a lower priority
  saved,    ///< requests that failed at first and were answered by a retry
  hedged,   ///< requests that had a second attempt beside a slow one
};
inline constexpr std::size_t row_kinds = 10;
std::string_view name(row_kind kind);

/// One line of the timeline. Rows of a kind that follow each other closely are one with a count.
struct timeline_row {
  microseconds at{};
  microseconds last{};  ///< of a group
  row_kind kind = row_kind::fault;
  std::string backend;
  std::string text;
  std::uint64_t count = 1;
};

/// Where a policy says, or could say, what happens.
struct origin {
  std::string object;  ///< `BackendTrafficPolicy default/policy`; empty: nothing is written
  std::string field;   ///< `spec.retry.retryOn.httpStatusCodes`
  plan::source_position at;
};

/// Client-visible errors of one cause.
struct client_cause {
  std::string what;  ///< `status 503 of primary`
  std::uint64_t count = 0;
  microseconds first{}, last{};
  origin responsible;
  std::string why;     ///< sentences
  std::string change;  ///< what to write; empty where no field would help
  /// Client-visible errors of the same scenario with that change.
  std::optional<std::uint64_t> errors_with_change;
};

struct span {
  microseconds from{}, until{};
};

struct fault_band {
  span when;
  std::string text;
};

struct backend_story {
  std::string rule, name;
  std::uint32_t priority = 0;
  std::uint32_t endpoints = 0;
  std::uint64_t attempts = 0, answered = 0, failed = 0;
  std::uint32_t ejections = 0;
  std::vector<std::uint32_t> attempts_in, failures_in;  ///< per bucket
  std::vector<span> ejected;                            ///< of each endpoint, in order of `from`
  std::vector<fault_band> faults;
};

struct percentiles {
  microseconds p50{}, p90{}, p95{}, p99{}, max{};
};

struct expectation_result {
  config::scenario_expectation wanted;
  double got = 0;
  bool is_met = false;
};

struct report {
  std::string scenario, about, scenario_file;
  std::vector<std::string> configuration;
  microseconds duration{};
  std::uint64_t seed = 0;
  std::string load;  ///< in words

  std::uint64_t requests = 0, streams = 0, errors = 0;
  std::uint64_t attempts = 0, extra_attempts = 0;
  std::uint64_t cancelled = 0;  ///< attempts that another one beside them has beaten
  std::uint64_t saved = 0;      ///< failed at first, answered in the end
  double availability = 100;
  double cost_factor = 1;     ///< answers begun at the providers for each one delivered whole
  percentiles first_content;  ///< of answered requests: to the head or a stream's first content
  percentiles whole;          ///< of answered requests: to their end
  microseconds longest{};     ///< of any request, answered or not, to its head or error
  std::optional<microseconds> policy_limit;  ///< longest wait for a head that the policy allows

  microseconds bucket{};
  std::vector<std::uint32_t> requests_in, errors_in;  ///< per bucket
  std::vector<backend_story> backends;
  std::vector<timeline_row> timeline;
  std::vector<client_cause> causes;  ///< most frequent first
  std::vector<expectation_result> expectations;

  bool is_met() const;
};

}  // namespace understudy::simulate
