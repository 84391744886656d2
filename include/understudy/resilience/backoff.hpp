#pragma once
#include <chrono>

#include <understudy/base/random.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

/// Waits before the retries of one request: full jitter below an interval that doubles up to a
/// maximum (spec/resilience.md §1.8). One object per request.
class backoff {
 public:
  explicit backoff(const backoff_params& params);

  /// Uniform whole milliseconds in [0, interval); moves on to the next interval.
  milliseconds wait(base::random_source& random);
  /// Upper bound, exclusive, of the next wait.
  milliseconds interval() const { return next_; }

 private:
  milliseconds next_;
  milliseconds max_;
};

}  // namespace understudy::resilience
