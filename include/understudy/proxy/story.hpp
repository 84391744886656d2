#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/plan/plan.hpp>
#include <understudy/resilience/attempt_planner.hpp>

namespace understudy::proxy {

class cluster_state;

enum class story_step : std::uint8_t {
  attempt,  ///< begins; `slot` 1: beside an open one
  connected,
  content,  ///< its first content has come
  outcome,  ///< it has ended, or its head is the answer
  superseded,
  wait,
  ejected,
  ejection_refused,
  no_companion,  ///< it was slow to speak, and nothing could be sent beside it
  gave_up,
  broke,  ///< the accepted answer ended before its end
  completed,
};

/// One step of a request as it was decided: numbers only, so that keeping them costs no
/// allocation in the steady state. What they mean is worked out when somebody asks.
struct story_entry {
  base::duration at{};         ///< since the request was complete
  base::duration length{};     ///< of a wait, an ejection; the per-try timeout of an attempt
  base::duration speaks_by{};  ///< attempt: when one beside it is asked for; 0: never
  std::string_view detector;   ///< of an ejection; a literal
  resilience::host_id host = resilience::no_host;
  std::uint32_t locality = 0;
  std::uint32_t priority = 0;
  std::uint32_t load_percent = 0;
  int status = 0;
  story_step step = story_step::attempt;
  std::uint8_t slot = 0;
  resilience::failure_class failure = resilience::failure_class::status;
  resilience::next_step next = resilience::next_step::give_up;
  resilience::stop_reason why = resilience::stop_reason::none;
  resilience::decision_reason because = resilience::decision_reason::load;
  resilience::attempt_planner::ending ending = resilience::attempt_planner::ending::complete;
  bool is_trial = false;
  bool is_panic = false;
  bool is_context_window = false;
  bool is_content_policy = false;
};

/// Steps beyond this many are counted only.
inline constexpr std::size_t max_story_entries = 256;

/// What a request's story tells of its rule, without the backends' secrets: a story outlives the
/// plan that it was played under, and must not keep a key alive.
struct rule_card {
  struct backend_card {
    std::string name;
    plan::source_position position;
  };
  std::string route;
  std::string rule;
  std::uint64_t generation = 0;
  bool is_ai = true;
  std::vector<backend_card> backends;  ///< by locality
  resilience::cluster_params cluster;
  plan::timeouts timeouts;
  plan::failover failover;
  std::vector<plan::written_field> written;
  plan::source_position position;
  std::weak_ptr<cluster_state> state;  ///< for the addresses of hosts that are still there
};

}  // namespace understudy::proxy
