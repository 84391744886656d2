#pragma once
#include <optional>

#include <understudy/base/clock.hpp>

namespace understudy::credentials {

/// When keys are looked for again. Keys that expire: 5 min before, or after half of what is left
/// of a short life. Shared files: every 5 min, as a person or a tool may have rewritten them.
/// After a failure: 1 s, doubled up to 1 min, while old keys stay in use as long as they live.
class refresh_schedule {
 public:
  static constexpr std::chrono::minutes early{5};
  static constexpr std::chrono::minutes reread{5};
  static constexpr std::chrono::seconds first_backoff{1};
  static constexpr std::chrono::seconds max_backoff{60};

  void succeeded(base::wall_time now, std::optional<base::wall_time> expires, bool is_reread);
  void failed(base::wall_time now);

  /// wall_time::max() when never.
  base::wall_time next() const { return next_; }

 private:
  base::wall_time next_ = base::wall_time::min();
  base::wall_time::duration backoff_ = first_backoff;
};

}  // namespace understudy::credentials
