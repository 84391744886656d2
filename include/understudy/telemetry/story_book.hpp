#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/proxy/local_reply.hpp>
#include <understudy/proxy/story.hpp>
#include <understudy/telemetry/exchange_record.hpp>

namespace understudy::telemetry {

/// A finished request with everything that was decided on its way. Owns what it shows; texts of
/// clients are cut to `max_story_text_bytes`.
struct request_story {
  struct attempt {
    attempt_outcome outcome = attempt_outcome::ok;
    int status = 0;
    bool is_reused = false;
    bool is_replayed = false;
    std::uint64_t abandoned_tokens = 0;
    base::duration elapsed{};
  };

  std::shared_ptr<const proxy::rule_card> card;  ///< null: no route matched
  base::wall_time start{};
  base::wall_time end{};
  std::string request_id, method, path, model, client, listener, details, flags;
  translate::operation op = translate::operation::unknown;
  bool is_stream = false;
  int status = 0;  ///< 0: the client left before an answer
  error_origin origin = error_origin::none;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  base::duration time_to_first_byte{};
  base::duration elapsed{};
  translate::token_usage usage;
  std::vector<attempt> attempts;     ///< in the order of the story's `attempt` steps
  std::uint32_t attempts_total = 0;  ///< those beyond the limit are not kept
  std::vector<proxy::story_entry> entries;
  std::vector<std::string> causes;  ///< of the failed attempts, in words, in order
};

inline constexpr std::size_t max_story_text_bytes = 256;
inline constexpr std::size_t max_story_attempts = 64;

/// Which stories are wanted; what is empty or zero is not asked.
struct story_filter {
  std::string route;    ///< whole name
  std::string backend;  ///< any attempt went there
  std::string model;
  int status = 0;  ///< 503; or 5 for all of 5xx
  std::uint32_t min_attempts = 0;
  base::duration min_elapsed{};
  bool only_errors = false;     ///< 4xx, 5xx, cut, left
  bool only_failovers = false;  ///< more than one priority was tried
  std::size_t limit = 100;

  bool matches(const request_story& s) const;
};

/// The last requests of one worker. add() is that worker's; the rest may be called from any
/// thread. The lock is held for one copy.
class story_ring {
 public:
  explicit story_ring(std::size_t capacity) : capacity_{capacity} { stories_.reserve(capacity); }

  void add(const exchange_record& record, const std::shared_ptr<const proxy::rule_card>& card,
           std::span<const proxy::story_entry> entries,
           std::span<const proxy::failed_attempt> failures);
  /// Appends those that match, newest first, at most `filter.limit`.
  void collect(const story_filter& filter, std::vector<request_story>& out) const;
  std::optional<request_story> find(std::string_view request_id) const;

 private:
  request_story& next_place();

  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<request_story> stories_;  ///< strings and vectors keep their room
  std::size_t next_ = 0;
};

/// The last requests of the process: one ring a worker, merged when somebody reads. Thread-safe.
class story_book {
 public:
  /// 0: none are kept, and requests pay nothing for it.
  explicit story_book(std::size_t capacity) : capacity_{capacity} {}

  /// Null where none are kept. Lives as long as the book.
  story_ring* add_worker();
  std::size_t capacity() const { return capacity_; }
  /// Newest first, among the last `capacity` of the process.
  std::vector<request_story> collect(const story_filter& filter) const;
  /// The newest of that id.
  std::optional<request_story> find(std::string_view request_id) const;

 private:
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<story_ring>> rings_;
};

}  // namespace understudy::telemetry
