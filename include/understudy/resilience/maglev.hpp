#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace understudy::resilience {

/// Maglev's lookup table: every member gets an equal share of the slots, and a member that leaves
/// moves few of the others' slots. Look-up is one division; rebuilding costs about size × ln n.
class maglev_table {
 public:
  /// Members by their hashes, which should not depend on the process. `size`: a prime.
  void rebuild(std::span<const std::uint64_t> members, std::uint32_t size);
  /// Index of the member that owns the hash. The table must not be empty.
  std::size_t at(std::uint64_t hash) const { return slots_[hash % slots_.size()]; }
  bool empty() const { return slots_.empty(); }

 private:
  std::vector<std::uint32_t> slots_;
};

}  // namespace understudy::resilience
