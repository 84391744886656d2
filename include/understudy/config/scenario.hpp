#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/config/findings.hpp>
#include <understudy/config/load.hpp>
#include <understudy/config/position.hpp>

/// What `understudy simulate --scenario` plays: load, faults over time, expectations. Read as
/// strictly as the configuration; which backends exist is checked by the room `simulate`.
namespace understudy::config {

using std::chrono::milliseconds;

/// A time that varies: draws lie on straight lines between these quantiles.
struct latency_spec {
  static constexpr std::array<std::uint32_t, 5> permille{0, 500, 900, 990, 1000};
  std::array<std::chrono::microseconds, 5> at_quantile{};

  static latency_spec constant(std::chrono::microseconds value);
  static latency_spec of_p50_p99(std::chrono::microseconds p50, std::chrono::microseconds p99);
  static latency_spec of_min_max(std::chrono::microseconds min, std::chrono::microseconds max);
};

struct scenario_load {
  located<double> rate{10};  ///< requests per second
  located<std::string> arrival{"even"};
  located<std::uint32_t> streaming;  ///< percent of the requests
  located<std::string> path{"/v1/chat/completions"};
  located<std::string> model, host;
  located<milliseconds> from, until;  ///< `until` not written: the end of the scenario
  position at;
};

/// How a backend behaves while nothing is wrong with it.
struct scenario_backend {
  std::string name;
  position at;
  located<std::uint32_t> addresses{1};  ///< that each host name resolves to
  latency_spec connect;
  latency_spec head;                  ///< from the request sent to a stream's first content
  latency_spec stream;                ///< from there to the end
  std::optional<latency_spec> unary;  ///< whole unary answer; absent: `head` and `stream`
};

enum class fault_kind : std::uint8_t {
  status,
  refuse,       ///< connection refused
  unreachable,  ///< nothing answers to the connection attempt
  hang,         ///< connected, then silence
  slow,
  reset,      ///< closed before the head
  malformed,  ///< what comes is not HTTP
  cut,        ///< closed inside the answer
  throttle,   ///< 429 with Retry-After
  in_band_error,
  slow_first_token,
};
std::string_view name(fault_kind kind);  ///< the YAML's word

struct scenario_fault {
  fault_kind kind = fault_kind::status;
  std::vector<located<std::string>> backends;
  located<std::string> endpoint;            ///< empty: all of the backend
  int status = 0;                           ///< of `status` and `throttle`
  std::optional<milliseconds> retry_after;  ///< header of such an answer
  latency_spec latency;                     ///< of `slow` and `slowFirstToken`
  std::uint32_t cut_after = 50;             ///< percent of the answer
  located<std::uint32_t> share{100};        ///< percent of the attempts that meet it
  located<milliseconds> from, until;        ///< `until` not written: the end
  located<milliseconds> every, lasts;       ///< written: only the first `lasts` of each `every`
  position at;
};

enum class comparison : std::uint8_t { at_most, at_least, less, greater, equal };
std::string_view symbol(comparison how);  ///< `<=`

/// One line of `expect`. Times are in milliseconds.
struct scenario_expectation {
  enum class subject : std::uint8_t {
    client_errors,
    availability,  ///< percent
    p50,
    p90,
    p95,
    p99,
    longest,
    cost_factor,
    attempts,
    ejections,
  };
  subject what = subject::client_errors;
  std::string backend;  ///< of `attempts` and `ejections`
  comparison how = comparison::at_most;
  double value = 0;
  position at;
  std::string field;  ///< `expect.attempts.primary.max`
};

struct scenario {
  std::string file;  ///< owns what the positions point to
  std::string name, about;
  milliseconds duration{60'000};
  std::uint64_t seed = 1;
  std::vector<scenario_load> loads;
  std::vector<scenario_backend> backends;  ///< those that are written
  std::vector<scenario_fault> faults;
  std::vector<scenario_expectation> expectations;
};

/// What a backend does that the scenario says nothing about.
scenario_backend default_backend();

struct scenario_result {
  std::shared_ptr<const scenario> loaded;  ///< null when there is an error among the findings
  std::vector<finding> findings;
};

/// Never more work than this from one scenario: 5,000,000 requests, 7 days.
scenario_result load_scenario(const source_file& source);
/// The same from a file.
scenario_result load_scenario_path(const std::string& path);

}  // namespace understudy::config
