#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <understudy/proxy/cluster_state.hpp>
#include <understudy/proxy/story.hpp>

namespace understudy::proxy {

/// Told, outside every lock, what a decision has changed in the health of a cluster.
class health_observer {
 public:
  virtual void on_health(const std::shared_ptr<cluster_state>& cluster,
                         std::vector<resilience::health_event> events) = 0;

 protected:
  ~health_observer() = default;
};

/// The decisions of one exchange after its rule is known: every call takes the cluster's mutex
/// once, decides, and hands the health events on. Used by one worker at a time.
class exchange {
 public:
  exchange() = default;
  ~exchange() { close(); }
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;

  /// The first decision. `start`: when the request was complete.
  resilience::decision open(std::shared_ptr<cluster_state> cluster, health_observer& observer,
                            const resilience::request_limits& limits, time_point start,
                            time_point now, bool keeps_story = false);
  /// Closes an open attempt as cancelled and forgets the cluster.
  void close();
  /// Every step since open(), also after close(), where it was to be kept.
  std::span<const story_entry> story() const { return story_; }
  void forget_story() { story_.clear(); }

  using slot_number = resilience::attempt_planner::slot_number;
  using ending = resilience::attempt_planner::ending;

  resilience::decision next(time_point now);
  resilience::decision hedge(time_point now);
  void on_connected(time_point now, slot_number slot);
  /// A success is one from its first content on: on_content() is included.
  resilience::decision on_outcome(const resilience::outcome& result, time_point now,
                                  slot_number slot);
  void cancel(time_point now, slot_number slot);
  void end(ending how, time_point now);
  resilience::decision resume(ending how, time_point now);

  std::uint32_t attempts() const { return planner_ ? planner_->attempts() : 0; }
  time_point request_deadline() const {
    return planner_ ? planner_->request_deadline() : time_point::max();
  }
  const std::shared_ptr<cluster_state>& cluster() const { return cluster_; }

 private:
  template <class Decide>
  auto decide(Decide&& body, time_point now);
  resilience::decision told(const resilience::decision& d, time_point now);
  story_entry* add(story_step step, time_point now);
  void note(std::span<const resilience::health_event> events, time_point now);

  std::vector<story_entry> story_;
  time_point start_;
  bool keeps_story_ = false;
  std::shared_ptr<cluster_state> cluster_;
  health_observer* observer_ = nullptr;
  std::optional<resilience::attempt_planner> planner_;
};

/// Whether a request may be sent again, at no cost in attempts, after a pooled connection turned
/// out to be dead with zero response bytes. Inference leaves no state behind; stored responses do.
bool may_replay(translate::operation op, std::string_view method);

}  // namespace understudy::proxy
