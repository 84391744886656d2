#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include <understudy/resilience/hash.hpp>

#include "catch.hpp"
#include "vector_row.hpp"

namespace understudy::resilience::test {
namespace {

using names = std::vector<std::string>;
using ending = attempt_planner::ending;

class player {
 public:
  player(const YAML::Node& row, std::uint64_t seed) : world_{make_world(row, seed)} {}

  void play(const YAML::Node& step) {
    require_keys(step,
                 {"at", "request", "start", "next", "connected", "outcome", "end", "record",
                  "connect-ok", "broken", "advance", "hedge", "content", "cancel", "resume", "slot",
                  "contents", "eject", "uneject", "set-hosts", "share", "repeat", "check", "report",
                  // how
                  "is", "how", "limits", "times", "by", "within", "among", "hashed",
                  // expectations
                  "attempts", "final", "step", "why", "waits", "ended", "host", "priority", "trial",
                  "wait", "perTry", "ejected", "m", "c5", "gw", "lo", "until", "load", "refused",
                  "returned", "active", "inTrial", "failing", "due", "changed", "weight", "warm",
                  "hedgeAfter", "firstToken", "tries", "opens"});
    if (step["at"]) now_ = step["at"].as<double>();
    CAPTURE(now_, step.Mark().line + 1);
    act(step);
    check_state(step);
  }

 private:
  static world make_world(const YAML::Node& row, std::uint64_t seed) {
    const row_setup setup = read_setup(row);
    if (row["random"])
      return world{setup.params, setup.hosts,
                   std::make_unique<fixed_random>(row["random"].as<std::uint64_t>())};
    return world{setup.params, setup.hosts, seed};
  }

  host_id id_of(const std::string& address) {
    for (const auto& s : world_.state.status(at(now_)))
      if (s.address == address) return s.host;
    throw std::runtime_error{"no host " + address};
  }

  void act(const YAML::Node& step) {
    if (step["request"]) return request(step);
    if (step["start"] || step["next"] || step["outcome"] || step["hedge"] || step["resume"])
      return single(step);
    if (step["connected"]) return planner(step["connected"]).on_connected(at(now_), slot_of(step));
    if (step["content"]) return planner(step["content"]).on_content(at(now_), slot_of(step));
    if (step["cancel"]) return planner(step["cancel"]).cancel(at(now_), slot_of(step));
    if (step["contents"]) return contents(step);
    if (step["end"]) return end(step);
    if (step["record"]) return record(step);
    if (step["check"]) return check(step);
    if (step["report"]) return report(step);
    if (step["connect-ok"])
      return world_.state.connected(id_of(step["connect-ok"].as<std::string>()), at(now_));
    if (step["broken"])
      return world_.state.record_broken_stream(id_of(step["broken"].as<std::string>()), false,
                                               at(now_));
    if (step["eject"])
      return each(step["eject"], [&](host_id h) { CHECK(world_.state.eject(h, at(now_))); });
    if (step["uneject"])
      return each(step["uneject"], [&](host_id h) { CHECK(world_.state.uneject(h, at(now_))); });
    if (step["set-hosts"]) {
      for (const auto& entry : step["set-hosts"])
        world_.state.set_hosts(entry.first.as<std::uint32_t>(), entry.second.as<names>(), at(now_));
      return;
    }
    if (step["share"]) return share(step);
    if (step["advance"]) world_.state.advance(at(now_));
  }

  template <class Act>
  void each(const YAML::Node& addresses, const Act& act) {
    const auto list =
        addresses.IsScalar() ? names{addresses.as<std::string>()} : addresses.as<names>();
    for (const auto& a : list) act(id_of(a));
  }

  static attempt_planner::slot_number slot_of(const YAML::Node& step) {
    return static_cast<attempt_planner::slot_number>(step["slot"].as<int>(0));
  }

  // Requests one after the other, each of which has its first content after the given time.
  void contents(const YAML::Node& step) {
    for (const auto& takes : step["contents"])
      for (int i = 0; i < step["times"].as<int>(1); ++i) {
        attempt_planner one{world_.state, world_.random, limits(step), at(now_)};
        REQUIRE(one.next(at(now_)).step == next_step::attempt);
        now_ += takes.as<double>();
        one.on_content(at(now_));
        one.on_outcome(status(200).result, at(now_));
        one.end(ending::complete, at(now_));
      }
  }

  attempt_planner& planner(const YAML::Node& name) { return *open_.at(name.as<std::string>()); }

  void request(const YAML::Node& step) {
    std::map<std::string, std::size_t> seen;
    const YAML::Node play = step["request"];
    const auto script = [&](const std::string& address, double) {
      const YAML::Node replies = play[address];
      if (!replies) throw std::runtime_error{"no reply written for " + address};
      if (!replies.IsSequence()) return read_reply(replies);
      const std::size_t n = seen[address]++;
      return read_reply(replies[std::min(n, replies.size() - 1)]);
    };
    const told r = world_.request(now_, script, limits(step));
    if (step["attempts"]) CHECK(r.attempts == step["attempts"].as<names>());
    if (step["final"]) CHECK(class_name(r.last) == step["final"].as<std::string>());
    if (step["step"]) CHECK(step_name(r.step) == step["step"].as<std::string>());
    if (step["why"]) CHECK(reason_name(r.why) == step["why"].as<std::string>());
    if (step["waits"]) {
      REQUIRE(r.waits.size() == step["waits"].size());
      for (std::size_t i = 0; i < r.waits.size(); ++i)
        check_range(r.waits[i] * 1000, step["waits"][i]);
    }
    if (step["ended"]) check_range(r.ended, step["ended"]);
  }

  static void check_range(double value, const YAML::Node& range) {
    constexpr double rounding = 1e-6;
    CHECK(value >= range[0].as<double>() - rounding);
    CHECK(value <= range[1].as<double>() + rounding);
  }

  void single(const YAML::Node& step) {
    decision d;
    if (step["start"]) {
      const auto name = step["start"].as<std::string>();
      open_[name] =
          std::make_unique<attempt_planner>(world_.state, world_.random, limits(step), at(now_));
      d = open_[name]->next(at(now_));
    } else if (step["next"]) {
      d = planner(step["next"]).next(at(now_));
    } else if (step["hedge"]) {
      d = planner(step["hedge"]).hedge(at(now_));
    } else if (step["resume"]) {
      d = planner(step["resume"]).resume(ending_of(step), at(now_));
    } else {
      const outcome result = read_reply(step["is"]).result;
      d = planner(step["outcome"]).on_outcome(result, at(now_), slot_of(step));
    }
    if (step["opens"]) CHECK(d.slot == step["opens"].as<int>());
    check_time(d.hedge_after, step["hedgeAfter"]);
    check_time(d.first_token_timeout, step["firstToken"]);
    if (step["tries"]) {
      const char* const name = step["start"]    ? "start"
                               : step["next"]   ? "next"
                               : step["hedge"]  ? "hedge"
                               : step["resume"] ? "resume"
                                                : "outcome";
      CHECK(planner(step[name]).attempts() == step["tries"].as<std::uint32_t>());
    }
    if (step["step"]) CHECK(step_name(d.step) == step["step"].as<std::string>());
    if (step["why"]) CHECK(reason_name(d.why) == step["why"].as<std::string>());
    if (step["host"]) CHECK(world_.state.address(d.target.host) == step["host"].as<std::string>());
    if (step["priority"]) CHECK(d.target.priority == step["priority"].as<std::uint32_t>());
    if (step["trial"]) CHECK(d.target.is_trial == step["trial"].as<bool>());
    if (step["wait"]) check_range((to_seconds(d.until) - now_) * 1000, step["wait"]);
    if (step["perTry"]) {
      const double limit =
          d.per_try_timeout ? to_seconds(time_point{*d.per_try_timeout}) : 0;  // 0: none
      CHECK(limit == step["perTry"].as<double>());
    }
  }

  // 0: none.
  static void check_time(const std::optional<base::duration>& time, const YAML::Node& wanted) {
    if (wanted) CHECK((time ? to_seconds(time_point{*time}) : 0) == wanted.as<double>());
  }

  static ending ending_of(const YAML::Node& step) {
    static const std::map<std::string, ending> endings = {
        {"complete", ending::complete},
        {"broke", ending::upstream_broke},
        {"idle", ending::idle_timeout},
        {"gone", ending::downstream_gone},
        {"request-timeout", ending::request_timeout}};
    return endings.at(step["how"].as<std::string>());
  }

  void end(const YAML::Node& step) {
    if (step["how"].as<std::string>() == "destroyed")
      open_.erase(step["end"].as<std::string>());
    else
      planner(step["end"]).end(ending_of(step), at(now_));
  }

  void record(const YAML::Node& step) {
    const host_id host = id_of(step["record"].as<std::string>());
    const YAML::Node results = step["is"];
    const int times = step["times"].as<int>(1);
    for (int i = 0; i < times; ++i) {
      if (!results.IsSequence()) {
        world_.state.record(host, read_reply(results).result, at(now_));
        continue;
      }
      for (const auto& r : results) world_.state.record(host, read_reply(r).result, at(now_));
    }
  }

  // `session: HOST` stands for the key of that host.
  request_limits limits(const YAML::Node& step) {
    request_limits all = read_limits(step);
    if (const YAML::Node node = step["limits"]; node && node["session"])
      all.hint.session = key_of(node["session"].as<std::string>());
    return all;
  }

  std::uint64_t key_of(const std::string& address) {
    for (const auto& s : world_.state.status(at(now_)))
      if (s.address == address) return hash_text(address, s.locality);
    return 1;  // a session with a host that is unknown
  }

  void check(const YAML::Node& step) {
    static const std::map<std::string, check_result> results = {
        {"pass", check_result::pass},           {"mismatch", check_result::mismatch},
        {"degraded", check_result::degraded},   {"timeout", check_result::unreachable},
        {"retriable", check_result::retriable}, {"unmade", check_result::unmade}};
    each(step["check"], [&](host_id host) {
      for (const auto& r : names_of(step["is"]))
        world_.state.report_check(host, results.at(r), at(now_));
    });
  }

  static names names_of(const YAML::Node& node) {
    return node.IsScalar() ? names{node.as<std::string>()} : node.as<names>();
  }

  void report(const YAML::Node& step) {
    const auto numbers = step["is"].as<std::vector<double>>();  // qps, eps, utilization
    each(step["report"], [&](host_id host) {
      world_.state.report_load(host, {numbers.at(0), numbers.at(1), numbers.at(2)}, at(now_));
    });
  }

  // Shares of many first attempts, one after the other.
  void share(const YAML::Node& step) {
    const int requests = step["times"].as<int>(6000);
    const bool is_by_priority = step["by"].as<std::string>("address") == "priority";
    std::map<std::string, int> counted;
    for (int i = 0; i < requests; ++i) {
      request_limits wanted = limits(step);
      if (step["hashed"]) wanted.hint.hash = mix(static_cast<std::uint64_t>(i + 1));
      attempt_planner one{world_.state, world_.random, wanted, at(now_)};
      const decision d = one.next(at(now_));
      ++counted[d.step != next_step::attempt ? "none"
                : is_by_priority             ? std::to_string(d.target.priority)
                                             : std::string{world_.state.address(d.target.host)}];
    }
    std::set<std::string> expected;
    for (const auto& entry : step["share"]) {
      const auto key = entry.first.as<std::string>();
      expected.insert(key);
      const double percent = 100.0 * counted[key] / requests;
      INFO(key << " got " << percent << " %");
      CHECK(std::abs(percent - entry.second.as<double>()) <= step["within"].as<double>(2.5));
    }
    for (const auto& [key, count] : counted) {
      CAPTURE(key, count);
      CHECK(expected.count(key) == 1);
    }
  }

  template <class Get>
  void check_each(const YAML::Node& wanted, const char* what, const Get& get) {
    if (!wanted) return;
    for (const auto& entry : wanted) {
      const auto address = entry.first.as<std::string>();
      CAPTURE(what, address);
      CHECK(get(world_.status_of(address, now_)) == entry.second.as<double>());
    }
  }

  void check_state(const YAML::Node& step) {
    if (step["ejected"]) {
      std::set<std::string> out;
      for (const auto& s : world_.state.status(at(now_)))
        if (s.is_ejected) out.insert(s.address);
      const auto list = step["ejected"].as<names>();
      CHECK(out == std::set<std::string>(list.begin(), list.end()));
    }
    check_each(step["m"], "m", [](const auto& s) { return s.multiplier; });
    check_each(step["c5"], "c5", [](const auto& s) { return s.consecutive_5xx; });
    check_each(step["gw"], "gw", [](const auto& s) { return s.consecutive_gateway_errors; });
    check_each(step["lo"], "lo", [](const auto& s) { return s.consecutive_local_origin_failures; });
    check_each(step["until"], "until", [](const auto& s) { return to_seconds(s.ejected_until); });
    check_each(step["active"], "active", [](const auto& s) { return s.active_requests; });
    check_each(step["inTrial"], "inTrial", [](const auto& s) { return s.is_in_trial ? 1 : 0; });
    check_each(step["weight"], "weight", [](const auto& s) { return s.weight; });
    if (step["failing"]) {
      names failing;
      for (const auto& s : world_.state.status(at(now_)))
        if (s.is_check_failed) failing.push_back(s.address);
      CHECK(failing == step["failing"].as<names>());
    }
    if (step["due"]) {
      names due;
      for (const auto& d : world_.state.take_due_checks(at(now_), world_.random))
        due.push_back(d.address);
      CHECK(due == step["due"].as<names>());
    }
    if (step["warm"]) CHECK(world_.state.is_checked() == step["warm"].as<bool>());
    if (step["load"])
      CHECK(world_.state.priority_load(at(now_)) == step["load"].as<std::vector<std::uint32_t>>());
    if (!step["refused"] && !step["returned"] && !step["changed"]) return;
    int refused = 0;
    names returned, changed;
    for (const auto& e : world_.state.take_events()) {
      refused += e.what == health_event::kind::ejection_refused ? 1 : 0;
      if (e.what == health_event::kind::returned) returned.push_back(e.address);
      if (e.what == health_event::kind::check_failed) changed.push_back("-" + e.address);
      if (e.what == health_event::kind::check_passed) changed.push_back("+" + e.address);
    }
    if (step["changed"]) CHECK(changed == step["changed"].as<names>());
    if (step["refused"]) CHECK(refused == step["refused"].as<int>());
    if (step["returned"]) CHECK(returned == step["returned"].as<names>());
  }

  world world_;
  std::map<std::string, std::unique_ptr<attempt_planner>> open_;
  double now_ = 0;
};

}  // namespace

void play_row(const YAML::Node& row, std::uint64_t seed) {
  require_keys(row, {"id", "says", "config", "hosts", "random", "seeds", "steps"});
  player one{row, seed};
  for (const auto& step : row["steps"]) one.play(step);
}

}  // namespace understudy::resilience::test
