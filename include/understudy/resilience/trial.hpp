#pragma once
#include <cstdint>

namespace understudy::resilience {

/// A host back from ejection gets a few requests at a time until one succeeds, so that a host that
/// still fails meets one request and not all of them. Envoy has no such thing; a limit of 0 is
/// Envoy's behaviour. Part of a host's state; slots are counted by the cluster's owner.
class trial {
 public:
  void on_returned(std::uint32_t limit) { is_on_ = limit > 0; }
  void on_ejected() { is_on_ = false; }
  void on_success() { is_on_ = false; }

  /// A slot is freed by every end of its attempt: success, failure, cancellation.
  void take_slot() { ++in_flight_; }
  void free_slot() { --in_flight_; }

  bool is_on() const { return is_on_; }
  /// No further request fits: the host counts as unhealthy until a slot is free.
  bool is_full(std::uint32_t limit) const { return is_on_ && in_flight_ >= limit; }
  std::uint32_t in_flight() const { return in_flight_; }

 private:
  bool is_on_ = false;
  std::uint32_t in_flight_ = 0;
};

}  // namespace understudy::resilience
