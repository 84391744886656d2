#include <understudy/base/random.hpp>

#include <array>
#include <bit>
#include <cstring>
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

namespace {
constexpr auto hex_pairs = [] {
  constexpr char digits[] = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> out{};
  for (std::size_t i = 0; i < 256; ++i) out[i] = {digits[i >> 4], digits[i & 15]};
  return out;
}();

void append_hex(char* at, std::uint64_t word, int bytes) {
  for (int i = bytes - 1; i >= 0; --i, at += 2)
    std::memcpy(at, hex_pairs[(word >> (8 * i)) & 0xFF].data(), 2);
}
}  // namespace

std::string make_uuid(random_source& random) {
  const std::uint64_t first = (random.next() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t second = (random.next() & ~(3ULL << 62)) | (2ULL << 62);
  std::array<char, 36> id;
  id.fill('-');
  append_hex(id.data(), first >> 32, 4);
  append_hex(id.data() + 9, first >> 16, 2);
  append_hex(id.data() + 14, first, 2);
  append_hex(id.data() + 19, second >> 48, 2);
  append_hex(id.data() + 24, second, 6);
  return {id.data(), id.size()};
}

}  // namespace understudy::base
