#include "simulate/player.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <utility>

#include "simulate/foresee.hpp"

namespace understudy::simulate {
namespace {

using base::duration;
using resilience::attempt_planner;
using resilience::decision;
using resilience::next_step;
using resilience::outcome;

// Where the policy sets no limit at all, the client does: the SDKs' own timeout.
constexpr duration client_patience = std::chrono::seconds{600};

enum class event_kind : std::uint8_t { arrival, outcome, hedge, ending, gone, wake, sweep, fault };

struct event {
  time_point at;
  std::uint64_t sequence = 0;  // events of one time happen in the order they were made
  event_kind kind = event_kind::arrival;
  std::uint32_t subject = 0;
  bool is_beginning = false;  // of a fault
  std::uint8_t slot = 0;      // of an attempt's event, with
  std::uint64_t ticket = 0;   // the attempt it is about: another may be there meanwhile

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

/// An attempt under way.
struct lane {
  std::uint64_t ticket = 0;  ///< 0: none
  std::uint32_t endpoint = nobody;
  behaviour meets;
  outcome result;
};

struct exchange {
  std::optional<attempt_planner> planner;
  std::uint32_t site = 0;
  bool is_stream = false;
  bool is_answered = false;
  std::uint32_t failures = 0;
  time_point start, head;
  std::array<lane, 2> lanes;
  lane last;  ///< the one that was accepted, or failed last
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
    events_.push({at, sequence_++, kind, subject, is_beginning, 0, 0});
  }

  void schedule_attempt(time_point at, event_kind kind, std::uint32_t index, std::uint8_t slot) {
    events_.push({at, sequence_++, kind, index, false, slot, exchanges_[index].lanes[slot].ticket});
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
        if (is_current(what)) conclude_attempt(what.subject, what.slot);
        break;
      case event_kind::hedge:
        if (is_current(what)) hedge(what.subject);
        break;
      case event_kind::ending:
        conclude_answer(what.subject);
        break;
      case event_kind::gone:
        if (is_current(what)) leave(what.subject);
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

  bool is_current(const event& what) const {
    return exchanges_[what.subject].lanes[what.slot].ticket == what.ticket;
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
    x.is_answered = false;
    x.failures = 0;
    x.last = {};
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
      case next_step::await_other:
        return;
    }
  }

  void begin_attempt(std::uint32_t index, const decision& d) {
    auto& x = exchanges_[index];
    const auto& place = sites_[x.site];
    auto& l = x.lanes[d.slot];
    l.ticket = ++tickets_;
    l.endpoint = place.endpoint_of_host[d.target.host];
    const auto& to = place.outside->endpoints[l.endpoint];
    out_.attempt_began(x.site, to.backend, x.planner->attempts(), d.target.host, now_);
    l.meets = world_.answer(*place.outside, to, x.is_stream, now_, outside_random_);
    const auto end = foresee(*place.outside->rule, l.meets, d, x.planner->request_deadline(), now_);
    l.result = end.result;
    if (d.hedge_after) schedule_attempt(now_ + *d.hedge_after, event_kind::hedge, index, d.slot);
    if (end.at == time_point::max())
      schedule_attempt(std::max(now_, x.start + client_patience), event_kind::gone, index, d.slot);
    else
      schedule_attempt(end.at, event_kind::outcome, index, d.slot);
  }

  void hedge(std::uint32_t index) {
    const auto d = exchanges_[index].planner->hedge(now_);
    report_health(exchanges_[index].site);
    if (d.step == next_step::attempt) begin_attempt(index, d);
  }

  std::uint32_t backend_of(const exchange& x, const lane& l) const {
    return l.endpoint == nobody ? nobody : sites_[x.site].outside->endpoints[l.endpoint].backend;
  }

  void conclude_attempt(std::uint32_t index, std::uint8_t slot) {
    auto& x = exchanges_[index];
    x.last = std::exchange(x.lanes[slot], {});
    const auto what = x.last.result.what;
    if (what != failure_class::connect && what != failure_class::connect_timeout)
      x.planner->on_connected(now_, slot);
    const bool is_good = what == failure_class::status && x.last.result.status < 400;
    if (is_good && x.is_stream) x.planner->on_content(now_, slot);
    const auto d = x.planner->on_outcome(x.last.result, now_, slot);
    // A provider that is left waiting has made an answer for nobody; an error costs nothing.
    const bool is_abandoned = what == failure_class::per_try || what == failure_class::global;
    if (!is_good) {
      ++x.failures;
      out_.attempt_ended(x.site, backend_of(x, x.last), true, is_abandoned ? 1 : 0, now_);
    }
    act(index, d);
  }

  /// Attempts whose answer nobody wants any more.
  void abandon_others(exchange& x) {
    for (std::uint8_t slot = 0; slot < x.lanes.size(); ++slot) {
      auto& l = x.lanes[slot];
      if (l.ticket == 0) continue;
      x.planner->cancel(now_, slot);
      out_.attempt_cancelled();
      l = {};
    }
  }

  /// The head goes to the client; the answer behind it ends by itself or is cut.
  void accept(std::uint32_t index, stop_reason why) {
    using ending = attempt_planner::ending;
    auto& x = exchanges_[index];
    abandon_others(x);
    if (!x.is_answered) x.head = now_;
    if (x.last.result.status >= 400) {
      x.planner->end(ending::complete, now_);
      finish(index, cause_of(x, cause_key::phase::head, why));
      return;
    }
    if (!x.is_answered)
      out_.request_answered(x.site, backend_of(x, x.last), x.planner->attempts(), x.failures, now_);
    x.is_answered = true;
    const auto& times = sites_[x.site].outside->rule->timeouts;
    const bool is_whole = x.last.meets.end == behaviour::ending::whole;
    x.ending = is_whole ? ending::complete : ending::upstream_broke;
    auto at = now_ + x.last.meets.body;
    if (!times.is_head_only && at > x.planner->request_deadline()) {
      at = x.planner->request_deadline();
      x.ending = ending::request_timeout;
    }
    schedule(at, event_kind::ending, index);
  }

  void conclude_answer(std::uint32_t index) {
    using ending = attempt_planner::ending;
    auto& x = exchanges_[index];
    const bool is_whole = x.ending == ending::complete;
    const bool is_broken = x.ending == ending::upstream_broke;
    const double paid = is_broken ? x.last.meets.share_of_body / 100.0 : 1.0;
    out_.attempt_ended(x.site, backend_of(x, x.last), !is_whole, paid, now_);
    if (is_broken && take_up(index)) return;
    if (!is_broken) x.planner->end(x.ending, now_);
    report_health(x.site);
    if (is_whole)
      finish(index, std::nullopt);
    else if (!is_broken)
      finish(index, cause_of(x, cause_key::phase::too_long, stop_reason::request_timeout));
    else
      finish(index, cause_of(x,
                             x.last.meets.end == behaviour::ending::in_band_error
                                 ? cause_key::phase::in_band
                                 : cause_key::phase::cut,
                             stop_reason::none));
  }

  /// Another attempt goes on with the broken answer, where `onBreak` asks for it.
  bool take_up(std::uint32_t index) {
    auto& x = exchanges_[index];
    const auto& rule = *sites_[x.site].outside->rule;
    if (!rule.is_ai || !x.is_stream || rule.failover.at_break == plan::on_break::terminate) {
      x.planner->end(x.ending, now_);
      return false;
    }
    const auto d = x.planner->resume(x.ending, now_);
    report_health(x.site);
    if (d.step != next_step::attempt) return false;
    ++x.failures;
    begin_attempt(index, d);
    return true;
  }

  void leave(std::uint32_t index) {
    auto& x = exchanges_[index];
    x.head = now_;
    x.last = x.lanes[0].ticket != 0 ? x.lanes[0] : x.lanes[1];
    abandon_others(x);
    finish(index, cause_of(x, cause_key::phase::gone, stop_reason::none));
  }

  void fail(std::uint32_t index, stop_reason why) {
    auto& x = exchanges_[index];
    abandon_others(x);
    if (x.is_answered) {
      finish(index, cause_of(x, cause_key::phase::cut, stop_reason::none));
      return;
    }
    x.head = now_;
    auto& last = x.last.result.what;
    if (why == stop_reason::no_healthy_host) last = failure_class::no_host;
    if (why == stop_reason::overflow) last = failure_class::overflow;
    if (why == stop_reason::request_timeout) last = failure_class::global;
    finish(index, cause_of(x, cause_key::phase::head, why));
  }

  cause_key cause_of(const exchange& x, cause_key::phase where, stop_reason why) const {
    const bool is_status =
        where == cause_key::phase::head && x.last.result.what == failure_class::status;
    return {.where = where,
            .site = x.site,
            .backend = backend_of(x, x.last),
            .last = x.last.result.what,
            .status = is_status ? x.last.result.status : 0,
            .why = why};
  }

  void finish(std::uint32_t index, const std::optional<cause_key>& cause) {
    auto& x = exchanges_[index];
    ended_request told;
    told.site = x.site;
    told.last_backend = backend_of(x, x.last);
    told.failures = x.failures;
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
  std::uint64_t tickets_ = 0;
  std::size_t open_ = 0;
  time_point now_;
};

}  // namespace

time_point play(const world& outside, recorder& out, const what_if* changed) {
  return player{outside, out, changed}.run();
}

}  // namespace understudy::simulate
