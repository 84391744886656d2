#pragma once
#include <cstdint>
#include <string>

namespace understudy::base {

/// Source of randomness, passed in to whatever decides. Not thread-safe; one per owner.
class random_source {
 public:
  virtual ~random_source() = default;
  virtual std::uint64_t next() = 0;

  /// Uniform in [0, bound). `bound` must be > 0. Plain modulo, as Envoy's (`random() % n`).
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

/// xoshiro256**; the same seed gives the same sequence on every platform.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::uint64_t s_[4];
};

/// A seed from the operating system.
std::uint64_t entropy_seed();

/// A version 4 UUID in its 36-character form.
std::string make_uuid(random_source& random);

}  // namespace understudy::base
