#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/telemetry/exposition.hpp>
#include <understudy/telemetry/histogram.hpp>

namespace understudy::telemetry {

inline constexpr std::size_t error_origin_count = 4;
inline constexpr std::size_t token_type_count = 5;

/// Counts of one backend under one route.
struct backend_series {
  std::string backend;
  std::uint32_t priority = 0;
  /// Attempts with a response head, by its status.
  struct answer {
    attempt_outcome outcome = attempt_outcome::ok;
    std::uint16_t status = 0;
    std::uint64_t count = 0;
  };
  static constexpr std::size_t max_answers = 64;

  std::array<std::uint64_t, attempt_outcome_count> outcomes{};
  std::vector<answer> answers;
  std::uint64_t abandoned_tokens = 0;
  histogram duration;

  std::uint64_t attempts() const;
};

struct route_series {
  struct answer {
    std::uint16_t code = 0;  ///< 100..599; 0: the client left before an answer
    error_origin origin = error_origin::none;
    std::uint64_t count = 0;
  };
  struct failover {
    std::string from, to;
    std::uint64_t count = 0;
  };
  struct cost {
    std::string key;
    std::uint64_t sum = 0;
  };

  std::string route;
  std::vector<answer> answers;
  std::vector<backend_series> backends;
  std::vector<failover> failovers;
  std::uint64_t retries = 0;
  std::uint64_t replays = 0;
  std::uint64_t hedges_won = 0, hedges_lost = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t untranslatable_answers = 0;
  std::array<std::uint64_t, token_type_count> tokens{};
  std::vector<cost> costs;
  std::uint64_t cost_errors = 0;
  histogram duration;
  histogram first_byte;
  histogram first_content;

  std::uint64_t requests() const;
};

/// Counts of finished exchanges, by names that come from the plan only (what a client sends is
/// never a label). Routes beyond `max_routes` share the name `other`. No locks: its owner's.
class exchange_metrics {
 public:
  static constexpr std::size_t max_routes = 2'000;
  static constexpr std::size_t max_backends_per_route = 200;
  static constexpr std::size_t max_costs_per_route = 36;

  void count(const exchange_record& record);
  void merge(const exchange_metrics& other);
  void expose(exposition& out) const;

  /// Sorted by name.
  std::vector<const route_series*> routes() const;

 private:
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };

  route_series& series(std::string_view route);
  void expose_routes(exposition& out) const;
  void expose_attempts(exposition& out) const;
  void expose_outcomes(exposition& out) const;
  void expose_moves(exposition& out) const;
  void expose_costs(exposition& out) const;
  void expose_translation_errors(exposition& out) const;

  std::unordered_map<std::string, std::unique_ptr<route_series>, name_hash, std::equal_to<>>
      routes_;
  route_series* last_ = nullptr;  ///< most requests follow one of the same route
};

}  // namespace understudy::telemetry
