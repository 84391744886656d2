#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <understudy/codec/framing.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/net/timed_scope.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/resilience/cluster.hpp>
#include <understudy/translate/answer_watch.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::net {

/// Why the upstream request of an attempt could not be made.
struct attempt_refusal {
  bool is_credential_missing = false;  ///< the backend can't be used now
  int status = 422;
  std::string code;
  std::string cause;
  bool is_final = false;  ///< the client's own mistake: no other backend is asked
};

/// What one attempt owns. An exchange has one, and a second while a hedge runs beside it. Reused.
struct attempt_state {
  explicit attempt_state(timer_queue& timers) : timed{timers} {}

  timed_scope timed;
  std::uint8_t slot = 0;  ///< the planner's name for it
  bool is_hedge = false;
  std::size_t number = 0;  ///< its place in the record's attempts
  base::time_point started{};

  // The request.
  const plan::backend* backend = nullptr;
  resilience::pick target;
  std::unique_ptr<translate::translator> translator;
  translate::upstream_request upstream;
  std::vector<codec::owned_field> auth;
  std::string upstream_head;
  std::optional<attempt_refusal> refusal;

  // The response.
  codec::response_head response;
  codec::framing_result framing = codec::body_framing{};
  std::string kept_head;  ///< copy of the head, where the buffer may move while its views live
  translate::response_plan plan;
  std::string collected;  ///< a translated whole body
  translate::answer_watch watch;
  bool is_watched = false;          ///< `watch` follows this answer
  std::uint64_t watched_bytes = 0;  ///< of the decoded body, already given to `watch`
  std::string cause;                ///< of its failure, for people

  void begin();
  void wipe_credentials();  ///< `auth` and `upstream_head`, which are empty then
  void reset();
};

}  // namespace understudy::net
