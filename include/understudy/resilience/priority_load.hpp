#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace understudy::resilience {

struct priority_counts {
  std::uint32_t healthy = 0;
  std::uint32_t degraded = 0;
  std::uint32_t total = 0;
};

/// Percent of new requests per priority, healthy hosts first, then degraded ones.
struct load_share {
  std::vector<std::uint32_t> healthy;
  std::vector<std::uint32_t> degraded;
};

/// Everything a pick must know of the priorities; index = rank of the priority, 0 first.
struct load_table {
  std::vector<std::uint32_t> health;           ///< 0 … 100, over-provisioned by 1.4
  std::vector<std::uint32_t> degraded_health;  ///< likewise of degraded hosts
  load_share load;
  std::vector<char> is_panic;  ///< 1: this priority's picks use all of its hosts
  bool is_total_panic = false;
};

/// Divides 100 over the priorities by their health (spec/resilience.md §3.1). All zero: all zero.
void distribute(std::span<const std::uint32_t> health,
                std::span<const std::uint32_t> degraded_health, load_share& out);

/// Health, load and panic (§3.1, §3.2). `panic_threshold` in percent; 0: never panic.
void compute_load(std::span<const priority_counts> counts, std::uint32_t panic_threshold,
                  load_table& out);

inline constexpr std::size_t no_priority = ~std::size_t{0};

/// Whose share holds a number: a rank's healthy hosts, or its degraded ones.
struct drawn_share {
  std::size_t rank = no_priority;
  bool is_degraded = false;
};
drawn_share draw_share(const load_share& load, std::uint64_t random);

/// The rank whose share holds `random` mod 100; no_priority where nothing has a share.
std::size_t choose_priority(const load_share& load, std::uint64_t random);

}  // namespace understudy::resilience
