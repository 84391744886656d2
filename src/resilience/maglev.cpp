#include <understudy/resilience/maglev.hpp>

#include <understudy/resilience/hash.hpp>

namespace understudy::resilience {

void maglev_table::rebuild(std::span<const std::uint64_t> members, std::uint32_t size) {
  constexpr std::uint32_t no_member = ~std::uint32_t{0};
  slots_.clear();
  if (members.empty() || size < 2) return;
  slots_.assign(size, no_member);
  // Each member's order of preference is an arithmetic walk, which visits all of a prime number.
  struct walk {
    std::uint64_t at;
    std::uint64_t step;
  };
  std::vector<walk> walks;
  walks.reserve(members.size());
  for (const std::uint64_t m : members)
    walks.push_back({m % size, mix(m ^ 0x9e3779b97f4a7c15ULL) % (size - 1) + 1});
  for (std::uint32_t filled = 0; filled < size;) {
    for (std::uint32_t m = 0; m < members.size() && filled < size; ++m) {
      walk& w = walks[m];
      while (slots_[w.at] != no_member) w.at = (w.at + w.step) % size;
      slots_[w.at] = m;
      ++filled;
    }
  }
}

}  // namespace understudy::resilience
