#pragma once
#include <map>
#include <tuple>

#include <understudy/resilience/attempt_planner.hpp>

#include "simulate/words.hpp"
#include "simulate/world.hpp"

/// Turns what happens into the report: counts, series, timeline.
namespace understudy::simulate {

using resilience::failure_class;
using resilience::stop_reason;

inline constexpr std::uint32_t nobody = ~std::uint32_t{0};

/// What made a client see an error.
struct cause_key {
  enum class phase : std::uint8_t {
    head,      ///< no good head: `last` and `why` say how it came
    cut,       ///< the upstream broke inside the answer
    in_band,   ///< an error inside a 200
    gone,      ///< the client gave up: nothing else ended the wait
    too_long,  ///< the request timeout fell inside the answer
  };
  phase where = phase::head;
  std::uint32_t site = 0;
  std::uint32_t backend = nobody;  ///< of the last attempt
  failure_class last = failure_class::status;
  int status = 0;
  stop_reason why = stop_reason::none;

  auto operator<=>(const cause_key&) const = default;
};

struct cause_stats {
  std::uint64_t count = 0;
  microseconds first{}, last{};
};

/// A request that is over.
struct ended_request {
  std::uint32_t site = 0;
  std::uint32_t last_backend = nobody;
  std::uint32_t failures = 0;
  time_point start, head, end;
  bool is_error = false;
  cause_key cause;
};

class recorder {
 public:
  explicit recorder(const world& outside);

  void request_began(const load_source& load, bool is_stream, time_point now);
  void attempt_began(std::uint32_t site, std::uint32_t backend, std::uint32_t number,
                     resilience::host_id host, time_point now);
  /// `cost`: the share of an answer that the provider made for it.
  void attempt_ended(std::uint32_t site, std::uint32_t backend, bool is_failure, double cost,
                     time_point now);
  /// A good head has come; the request may still break.
  void request_answered(std::uint32_t site, std::uint32_t backend, std::uint32_t attempts,
                        std::uint32_t failures, time_point now);
  /// The one beside it has won, or the client has left: paid for as a whole answer.
  void attempt_cancelled() {
    ++out_.cancelled;
    cost_ += 1;
  }
  void request_ended(const ended_request& what);
  void health_changed(std::uint32_t site, const resilience::health_event& event,
                      std::uint32_t backend);
  void fault_changed(std::size_t index, bool is_beginning, time_point now);

  std::uint64_t errors() const { return out_.errors; }
  const std::map<cause_key, cause_stats>& causes() const { return causes_; }
  const std::string& backend_name(std::uint32_t site, std::uint32_t backend) const;

  /// The report without causes and expectations. Once, at the end.
  report finish(time_point last);

 private:
  backend_story& story(std::uint32_t site, std::uint32_t backend) {
    return out_.backends[first_story_[site] + backend];
  }
  std::size_t bucket_of(time_point now) const;
  timeline_row& add_row(row_kind kind, time_point now, std::string backend, std::string text);
  void add_grouped(row_kind kind, time_point now, const std::string& backend,
                   const std::string& text);
  void close_groups() { open_groups_.clear(); }

  const world& world_;
  report out_;
  std::vector<std::size_t> first_story_;
  std::vector<std::uint32_t> top_priority_;  // of each site
  std::map<cause_key, cause_stats> causes_;
  std::map<std::pair<std::uint32_t, resilience::host_id>, std::size_t> ejected_now_;
  std::map<std::tuple<row_kind, std::string, std::string>, std::size_t> open_groups_;
  std::vector<std::uint32_t> to_head_, to_end_;  // microseconds
  double cost_ = 0;
};

/// `status 503 of primary`, `primary refused the connection`.
std::string describe(const cause_key& cause, const std::string& backend);

}  // namespace understudy::simulate
