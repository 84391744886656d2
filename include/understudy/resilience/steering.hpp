#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <understudy/resilience/priority_load.hpp>

namespace understudy::resilience {

/// numAttemptsPerPriority (spec/resilience.md §1.7): after every N attempts of a request, the
/// priorities it has tried get no load; when none is left it starts over. One object per request.
class steering {
 public:
  /// `n` = 0: never changes the load.
  explicit steering(std::uint32_t n) : n_{n} {}

  /// Load for the pick of a retry. `ranks`: priority of each attempt made so far, in order.
  /// The reference is valid until the next call or the next change of `table`.
  const load_share& load(const load_table& table, std::span<const std::uint32_t> ranks);

 private:
  std::uint32_t n_;
  std::size_t counted_from_ = 0;  // attempts before this one are forgotten ("start over")
  std::size_t computed_for_ = 0;  // attempts that `load_` takes into account
  std::vector<char> excluded_;
  std::vector<std::uint32_t> health_, degraded_;
  load_share load_;
};

}  // namespace understudy::resilience
