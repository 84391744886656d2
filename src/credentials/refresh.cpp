#include <understudy/credentials/refresh.hpp>

#include <algorithm>

namespace understudy::credentials {

void refresh_schedule::succeeded(base::wall_time now, std::optional<base::wall_time> expires,
                                 bool is_reread) {
  backoff_ = first_backoff;
  next_ = base::wall_time::max();
  if (expires) {
    const auto left = *expires - now;
    next_ = left >= 2 * early ? *expires - early : now + left / 2;
    // Keys that are dead on arrival must not make a busy loop.
    next_ = std::max(next_, now + first_backoff);
  }
  if (is_reread) next_ = std::min(next_, now + reread);
}

void refresh_schedule::failed(base::wall_time now) {
  next_ = now + backoff_;
  backoff_ = std::min<base::wall_time::duration>(backoff_ * 2, max_backoff);
}

}  // namespace understudy::credentials
