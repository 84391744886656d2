#include "simulate/player.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <queue>

namespace understudy::simulate {
namespace {

using base::duration;
using resilience::attempt_planner;
using resilience::decision;
using resilience::next_step;
using resilience::outcome;

// Where the policy sets no limit at all, the client does: the SDKs' own timeout.
constexpr duration client_patience = std::chrono::seconds{600};

enum class event_kind : std::uint8_t { arrival, outcome, ending, gone, wake, sweep, fault };

struct event {
  time_point at;
  std::uint64_t sequence = 0;  // events of one time happen in the order they were made
  event_kind kind = event_kind::arrival;
  std::uint32_t subject = 0;
  bool is_beginning = false;  // of a fault

  bool operator>(const event& other) const {
    return at != other.at ? at > other.at : sequence > other.sequence;
  }
};

/// A rule's engine with the addresses of its hosts.
struct running_site {
  const site* outside = nullptr;
  std::unique_ptr<resilience::cluster> engine;
  std::unique_ptr<base::seeded_random> random;
  std::vector<std::uint32_t> endpoint_of_host;
};

struct exchange {
  std::optional<attempt_planner> planner;
  std::uint32_t site = 0;
  bool is_stream = false;
  time_point start, head;
  std::uint32_t endpoint = nobody;
  behaviour meets;
  outcome result;  // of the attempt under way
  attempt_planner::ending ending{};
};

class player {
 public:
  player(const world& outside, recorder& out, const what_if* changed)
      : world_{outside}, out_{out}, outside_random_{outside.played().seed} {
    for (std::uint32_t s = 0; s < outside.sites().size(); ++s) add_site(s, changed);
  }

  time_point run() {
    for (std::uint32_t i = 0; i < world_.loads().size(); ++i) schedule_arrival(i, 0);
    arrivals_.resize(world_.loads().size());
    schedule_faults();
    for (std::uint32_t s = 0; s < sites_.size(); ++s) schedule_sweep(s);
    time_point now;
    while (!events_.empty()) {
      const event next = events_.top();
      events_.pop();
      if (next.kind == event_kind::sweep && open_ == 0 && next.at > world_.end()) continue;
      now = next.at;
      happen(next);
    }
    return now;
  }

 private:
  void add_site(std::uint32_t index, const what_if* changed) {
    const auto& outside = world_.sites()[index];
    auto params = outside.rule->cluster;
    if (changed != nullptr && changed->site == index) changed->change(params);
    auto& made = sites_.emplace_back();
    made.outside = &outside;
    made.random = std::make_unique<base::seeded_random>(world_.played().seed * 7919 + index + 1);
    made.engine = std::make_unique<resilience::cluster>(std::move(params), time_point{});
    for (std::uint32_t b = 0; b < outside.rule->backends.size(); ++b) {
      std::vector<std::string> addresses;
      for (const auto& e : outside.endpoints)
        if (e.backend == b) addresses.push_back(e.address);
      made.engine->set_hosts(b, addresses, time_point{});
    }
    for (const auto& host : made.engine->status(time_point{})) {
      if (made.endpoint_of_host.size() <= host.host)
        made.endpoint_of_host.resize(host.host + 1, nobody);
      const auto found = std::ranges::find_if(outside.endpoints, [&](const endpoint& e) {
        return e.backend == host.locality && e.address == host.address;
      });
      made.endpoint_of_host[host.host] =
          static_cast<std::uint32_t>(found - outside.endpoints.begin());
    }
  }

  void schedule(time_point at, event_kind kind, std::uint32_t subject, bool is_beginning = false) {
    events_.push({at, sequence_++, kind, subject, is_beginning});
  }

  void schedule_arrival(std::uint32_t load, std::uint64_t number) {
    const auto& source = world_.loads()[load];
    const double mean = 1e9 / source.written->rate.value;
    if (source.written->arrival.value == "poisson") {
      const auto from = number == 0 ? source.from : now_;
      schedule_before(
          source,
          from + duration{static_cast<std::int64_t>(mean * draw_exponential(outside_random_))},
          load);
      return;
    }
    schedule_before(
        source,
        source.from + duration{static_cast<std::int64_t>(mean * static_cast<double>(number))},
        load);
  }

  void schedule_before(const load_source& source, time_point at, std::uint32_t load) {
    if (at < source.until) schedule(at, event_kind::arrival, load);
  }

  void schedule_faults() {
    const auto& faults = world_.played().faults;
    for (std::uint32_t i = 0; i < faults.size(); ++i)
      for (const auto& window : world_.windows(faults[i])) {
        schedule(time_point{window.from}, event_kind::fault, i, true);
        if (time_point{window.until} < world_.end())
          schedule(time_point{window.until}, event_kind::fault, i, false);
      }
  }

  void schedule_sweep(std::uint32_t site) {
    const auto at = sites_[site].engine->next_sweep();
    if (at != time_point::max()) schedule(at, event_kind::sweep, site);
  }

  void happen(const event& what) {
    now_ = what.at;
    switch (what.kind) {
      case event_kind::arrival:
        arrive(what.subject);
        break;
      case event_kind::wake:
        act(what.subject, exchanges_[what.subject].planner->next(now_));
        break;
      case event_kind::outcome:
        conclude_attempt(what.subject);
        break;
      case event_kind::ending:
        conclude_answer(what.subject);
        break;
      case event_kind::gone:
        leave(what.subject);
        break;
      case event_kind::sweep:
        sites_[what.subject].engine->advance(now_);
        report_health(what.subject);
        schedule_sweep(what.subject);
        break;
      case event_kind::fault:
        out_.fault_changed(what.subject, what.is_beginning, now_);
        break;
    }
  }

  void arrive(std::uint32_t load) {
    const auto& source = world_.loads()[load];
    schedule_arrival(load, ++arrivals_[load]);
    const auto percent = source.written->streaming.value;
    const bool is_stream = percent >= 100 || (percent > 0 && outside_random_.below(100) < percent);
    const auto index = take_slot();
    auto& x = exchanges_[index];
    x.site = source.site;
    x.is_stream = is_stream;
    x.start = now_;
    x.endpoint = nobody;
    auto& place = sites_[x.site];
    resilience::request_limits limits;
    limits.is_stream = is_stream;
    limits.request_timeout = place.outside->rule->timeouts.request;
    x.planner.emplace(*place.engine, *place.random, limits, now_);
    out_.request_began(source, is_stream, now_);
    act(index, x.planner->next(now_));
  }

  std::uint32_t take_slot() {
    ++open_;
    if (!free_.empty()) {
      const auto index = free_.back();
      free_.pop_back();
      return index;
    }
    exchanges_.emplace_back();
    return static_cast<std::uint32_t>(exchanges_.size() - 1);
  }

  void act(std::uint32_t index, const decision& d) {
    auto& x = exchanges_[index];
    report_health(x.site);
    switch (d.step) {
      case next_step::attempt:
        begin_attempt(index, d);
        return;
      case next_step::wait:
        schedule(d.until, event_kind::wake, index);
        return;
      case next_step::accept:
        accept(index, d.why);
        return;
      case next_step::give_up:
        fail(index, d.why);
        return;
      default:
        return;
    }
  }

  void begin_attempt(std::uint32_t index, const decision& d) {
    auto& x = exchanges_[index];
    const auto& place = sites_[x.site];
    x.endpoint = place.endpoint_of_host[d.target.host];
    const auto& to = place.outside->endpoints[x.endpoint];
    out_.attempt_began(x.site, to.backend, x.planner->attempts(), d.target.host, now_);
    x.meets = world_.answer(*place.outside, to, x.is_stream, now_, outside_random_);
    const auto ends = end_of_attempt(x, d);
    if (ends == time_point::max())
      schedule(std::max(now_, x.start + client_patience), event_kind::gone, index);
    else
      schedule(ends, event_kind::outcome, index);
  }

  /// When the head, or what comes instead of it, is there; fills `x.result`.
  time_point end_of_attempt(exchange& x, const decision& d) const {
    const auto& times = sites_[x.site].outside->rule->timeouts;
    const auto& meets = x.meets;
    const auto fails = [&](failure_class what, bool is_sent, time_point at) {
      x.result = {};
      x.result.what = what;
      x.result.is_bytes_sent = is_sent;
      return at;
    };
    auto at = time_point::max();
    if (!meets.connects && meets.is_refused) {
      at = fails(failure_class::connect, false, now_ + meets.connect);
    } else if (!meets.connects || meets.connect > times.connect) {
      at = fails(failure_class::connect_timeout, false, now_ + times.connect);
    } else {
      auto patience = duration::max();
      if (d.per_try_timeout) patience = *d.per_try_timeout;
      if (times.per_try_idle) patience = std::min<duration>(patience, *times.per_try_idle);
      const auto connected = now_ + meets.connect;
      if (meets.head > patience)
        at = fails(failure_class::per_try, true, connected + patience);
      else if (meets.head != duration::max())
        at = fails(meets.what, true, connected + meets.head);
      if (x.result.what == failure_class::status) x.result.status = meets.status;
    }
    const auto deadline = x.planner->request_deadline();
    if (at < deadline || deadline == time_point::max()) return at;
    return fails(failure_class::global, true, deadline);
  }

  std::uint32_t backend_of(const exchange& x) const {
    return x.endpoint == nobody ? nobody : sites_[x.site].outside->endpoints[x.endpoint].backend;
  }

  void conclude_attempt(std::uint32_t index) {
    auto& x = exchanges_[index];
    const auto what = x.result.what;
    if (what != failure_class::connect && what != failure_class::connect_timeout)
      x.planner->on_connected(now_);
    const auto backend = backend_of(x);
    const auto d = x.planner->on_outcome(x.result, now_);
    const bool is_good = what == failure_class::status && x.result.status < 400;
    // A provider that is left waiting has made an answer for nobody; an error costs nothing.
    const bool is_abandoned = what == failure_class::per_try || what == failure_class::global;
    if (!is_good) out_.attempt_ended(x.site, backend, true, is_abandoned ? 1 : 0, now_);
    act(index, d);
  }

  /// The head goes to the client; the answer behind it ends by itself or is cut.
  void accept(std::uint32_t index, stop_reason why) {
    using ending = attempt_planner::ending;
    auto& x = exchanges_[index];
    x.head = now_;
    if (x.result.status >= 400) {
      x.planner->end(ending::complete, now_);
      finish(index, cause_of(x, cause_key::phase::head, why));
      return;
    }
    out_.request_answered(x.site, backend_of(x), x.planner->attempts(), now_);
    const auto& times = sites_[x.site].outside->rule->timeouts;
    x.ending = x.meets.end == behaviour::ending::whole ? ending::complete : ending::upstream_broke;
    auto at = now_ + x.meets.body;
    if (!times.is_head_only && at > x.planner->request_deadline()) {
      at = x.planner->request_deadline();
      x.ending = ending::request_timeout;
    }
    schedule(at, event_kind::ending, index);
  }

  void conclude_answer(std::uint32_t index) {
    using ending = attempt_planner::ending;
    auto& x = exchanges_[index];
    x.planner->end(x.ending, now_);
    report_health(x.site);
    const bool is_whole = x.ending == ending::complete;
    const double paid = x.ending == ending::upstream_broke ? x.meets.share_of_body / 100.0 : 1.0;
    out_.attempt_ended(x.site, backend_of(x), !is_whole, paid, now_);
    if (is_whole)
      finish(index, std::nullopt);
    else if (x.ending == ending::request_timeout)
      finish(index, cause_of(x, cause_key::phase::too_long, stop_reason::request_timeout));
    else
      finish(index,
             cause_of(x,
                      x.meets.end == behaviour::ending::in_band_error ? cause_key::phase::in_band
                                                                      : cause_key::phase::cut,
                      stop_reason::none));
  }

  void leave(std::uint32_t index) {
    auto& x = exchanges_[index];
    x.head = now_;
    x.planner->end(attempt_planner::ending::downstream_gone, now_);
    out_.attempt_ended(x.site, backend_of(x), true, 1, now_);
    finish(index, cause_of(x, cause_key::phase::gone, stop_reason::none));
  }

  void fail(std::uint32_t index, stop_reason why) {
    auto& x = exchanges_[index];
    x.head = now_;
    if (why == stop_reason::no_healthy_host) x.result.what = failure_class::no_host;
    if (why == stop_reason::overflow) x.result.what = failure_class::overflow;
    if (why == stop_reason::request_timeout) x.result.what = failure_class::global;
    finish(index, cause_of(x, cause_key::phase::head, why));
  }

  cause_key cause_of(const exchange& x, cause_key::phase where, stop_reason why) const {
    const bool is_status =
        where == cause_key::phase::head && x.result.what == failure_class::status;
    return {.where = where,
            .site = x.site,
            .backend = backend_of(x),
            .last = x.result.what,
            .status = is_status ? x.result.status : 0,
            .why = why};
  }

  void finish(std::uint32_t index, const std::optional<cause_key>& cause) {
    auto& x = exchanges_[index];
    ended_request told;
    told.site = x.site;
    told.last_backend = backend_of(x);
    told.attempts = x.planner->attempts();
    told.start = x.start;
    told.head = x.head;
    told.end = now_;
    told.is_error = cause.has_value();
    if (cause) told.cause = *cause;
    out_.request_ended(told);
    x.planner.reset();
    --open_;
    free_.push_back(index);
  }

  void report_health(std::uint32_t site) {
    auto& place = sites_[site];
    for (const auto& e : place.engine->take_events()) out_.health_changed(site, e, e.locality);
  }

  const world& world_;
  recorder& out_;
  base::seeded_random outside_random_;
  std::vector<running_site> sites_;
  std::deque<exchange> exchanges_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint64_t> arrivals_;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::uint64_t sequence_ = 0;
  std::size_t open_ = 0;
  time_point now_;
};

}  // namespace

time_point play(const world& outside, recorder& out, const what_if* changed) {
  return player{outside, out, changed}.run();
}

}  // namespace understudy::simulate
