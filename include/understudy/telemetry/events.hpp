#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>

namespace understudy::telemetry {

enum class event_kind : std::uint8_t {
  ejection,
  returned,
  failover,
  reload,
  drain,
  credentials,
  check_failed,  ///< an endpoint fails its active checks
  check_passed
};
std::string_view name(event_kind k);

/// Something an operator wants to see happen.
struct event {
  std::uint64_t id = 0;  ///< from 1, without gaps
  base::wall_time at{};
  event_kind kind = event_kind::ejection;
  std::string route, backend, address;  ///< may be empty
  std::string message;                  ///< one sentence, no secrets
};

std::string to_json(const event& e);

/// The last events and who listens for new ones. Thread-safe.
class event_ring {
 public:
  static constexpr std::size_t capacity = 256;
  using listener = std::function<void(const event&)>;
  using subscription = std::shared_ptr<const listener>;

  /// Numbers and dates the event, keeps it and tells the listeners, on the calling thread.
  void publish(event e);
  /// Those with an id above `id`, oldest first.
  std::vector<event> since(std::uint64_t id) const;
  /// Heard until the returned handle is dropped; a call may still be under way then. The listener
  /// must be quick and must not publish.
  subscription subscribe(listener heard);

 private:
  mutable std::mutex mutex_;
  std::deque<event> events_;
  std::uint64_t last_id_ = 0;
  std::vector<std::weak_ptr<const listener>> listeners_;
};

}  // namespace understudy::telemetry
