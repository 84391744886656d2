#include <understudy/base/random.hpp>

#include <bit>
#include <random>

namespace understudy::base {
namespace {
// splitmix64, the seeding function the authors of xoshiro recommend.
std::uint64_t split_mix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
}  // namespace

seeded_random::seeded_random(std::uint64_t seed) {
  for (auto& word : s_) word = split_mix(seed);
}

std::uint64_t seeded_random::next() {
  const std::uint64_t result = std::rotl(s_[1] * 5, 7) * 9;
  const std::uint64_t t = s_[1] << 17;
  s_[2] ^= s_[0];
  s_[3] ^= s_[1];
  s_[1] ^= s_[2];
  s_[0] ^= s_[3];
  s_[2] ^= t;
  s_[3] = std::rotl(s_[3], 45);
  return result;
}

std::uint64_t entropy_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::string make_uuid(random_source& random) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string id(36, '-');
  std::uint64_t bits[2] = {random.next(), random.next()};
  bits[0] = (bits[0] & ~0xf000ULL) | 0x4000ULL;
  bits[1] = (bits[1] & ~(3ULL << 62)) | (2ULL << 62);
  std::size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
    const std::uint64_t word = bits[nibble / 16];
    id[at++] = hex[(word >> (60 - 4 * (nibble % 16))) & 0xf];
  }
  return id;
}

}  // namespace understudy::base
