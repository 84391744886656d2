#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/framing.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/net/attempt_state.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/proxy/active_plan.hpp>
#include <understudy/proxy/exchange.hpp>
#include <understudy/proxy/local_reply.hpp>
#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/trace/tracer.hpp>
#include <understudy/translate/request_features.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::net {

/// Request bytes that did not fit into the connection's buffer. Grows as they arrive, so that a
/// client that announces much and sends little costs little.
class body_storage {
 public:
  body_storage() = default;
  ~body_storage() { release(); }
  body_storage(const body_storage&) = delete;
  body_storage& operator=(const body_storage&) = delete;

  static constexpr std::size_t padding = 64;
  std::string_view data() const { return {memory_.get(), size_}; }
  char* space() { return memory_.get() + size_; }
  std::size_t space_size() const { return capacity_ - size_; }
  void commit(std::size_t n) { size_ += n; }
  /// False: all bodies together have no memory left for it, and nothing has changed.
  [[nodiscard]] bool append(std::string_view bytes);
  /// Room for `n` more, `expected` bytes in all if that is known. False: as above.
  [[nodiscard]] bool grow(std::size_t n, std::size_t expected);
  /// Empties it; a large block is given back, a small one is kept for the next request.
  void clear();

 private:
  void release();

  static constexpr std::size_t kept_bytes = 64U * 1024;
  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// Everything one exchange owns. Reused by the worker for the next one, so that a request in the
/// steady state allocates little. The client's original (head, body) is immutable once complete;
/// the views below point into the connection's buffer or into `stored_body`.
struct exchange_state {
  explicit exchange_state(timer_queue& timers) : first{timers} {}

  // The request.
  codec::request_head head;
  codec::request_target target;
  std::string_view path;  ///< without query
  std::string_view query;
  std::string_view body;
  body_storage stored_body;
  codec::request_summary summary;
  translate::operation op = translate::operation::unknown;
  std::string request_id;
  bool is_head_method = false;
  bool has_body = false;  ///< a framing field was there, if only of length 0
  bool is_client_tls = false;
  bool wants_explanation = false;

  // Where it goes.
  std::shared_ptr<const proxy::active_plan> active;
  const plan::route* route = nullptr;
  const plan::rule* rule = nullptr;
  proxy::exchange decisions;

  // The attempts: one, and a second while it runs beside the first.
  attempt_state first;
  std::unique_ptr<attempt_state> second;
  std::optional<translate::request_features> features;  ///< where a policy asks for them
  std::optional<std::string> continued_body;  ///< instead of the client's: asks for the rest

  // The answer.
  std::string out;
  std::vector<proxy::failed_attempt> failures;
  bool is_committed = false;
  bool is_head_sent = false;  ///< a head went out before there was an answer (`keepAlive`)
  bool closes_downstream = false;
  base::time_point complete_at{};  ///< the request was whole
  telemetry::exchange_record record;
  trace::request_trace trace;

  /// What its story tells of the rule; null while none has matched.
  const std::shared_ptr<const proxy::rule_card>& card() const {
    static const std::shared_ptr<const proxy::rule_card> none;
    return rule != nullptr ? active->cards[rule->cluster_index] : none;
  }
  /// What `from` tells of the answer that the client has got.
  void note_answer(attempt_state& from);
  void note_costs();
  void reset();
};

}  // namespace understudy::net
