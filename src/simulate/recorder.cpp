#include "simulate/recorder.hpp"

#include <algorithm>

namespace understudy::simulate {
namespace {

constexpr std::int64_t max_buckets = 240;

/// A round length, so that an even load fills every bucket alike.
microseconds bucket_of_duration(microseconds duration) {
  using std::chrono_literals::operator""ms;
  microseconds out = 100ms;
  for (int i = 0; duration / out >= max_buckets; ++i) out = out * (i % 3 == 1 ? 5 : 4) / 2;
  return out;
}

microseconds since_start(time_point t) {
  return std::chrono::floor<microseconds>(t.time_since_epoch());
}

std::uint32_t as_sample(base::duration d) {
  const auto us = std::chrono::floor<microseconds>(d).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(us, 0, ~std::uint32_t{0}));
}

percentiles percentiles_of(std::vector<std::uint32_t>& samples) {
  percentiles out;
  if (samples.empty()) return out;
  std::ranges::sort(samples);
  // Nearest rank: the smallest sample that so many percent are not above.
  const auto at = [&](std::size_t percent) {
    const auto rank = (samples.size() * percent + 99) / 100;
    return microseconds{samples[std::max<std::size_t>(rank, 1) - 1]};
  };
  return {at(50), at(90), at(95), at(99), microseconds{samples.back()}};
}

std::string load_text(const world& outside) {
  std::string out;
  for (const auto& load : outside.loads()) {
    const auto& w = *load.written;
    if (!out.empty()) out += "; ";
    const auto thousandth = static_cast<std::int64_t>(w.rate.value * 1000 + 0.5);
    auto rate = std::to_string(thousandth / 1000);
    if (thousandth % 1000 != 0) {
      auto rest = std::to_string(1000 + thousandth % 1000).substr(1);
      while (rest.ends_with('0')) rest.pop_back();
      rate += "." + rest;
    }
    out += rate + " requests a second";
    if (w.arrival.value == "poisson") out += " at random";
    if (w.streaming.value > 0)
      out += w.streaming.value == 100
                 ? ", all streams"
                 : ", " + std::to_string(w.streaming.value) + " % of them streams";
  }
  return out;
}

}  // namespace

recorder::recorder(const world& outside) : world_{outside} {
  const auto& what = outside.played();
  out_.scenario = what.name;
  out_.about = what.about;
  out_.scenario_file = what.file;
  out_.duration = what.duration;
  out_.seed = what.seed;
  out_.load = load_text(outside);
  out_.bucket = bucket_of_duration(out_.duration);
  const auto used =
      static_cast<std::size_t>((out_.duration + out_.bucket - microseconds{1}) / out_.bucket);
  out_.requests_in.resize(used);
  out_.errors_in.resize(used);
  for (const auto& s : outside.sites()) {
    first_story_.push_back(out_.backends.size());
    auto& top = top_priority_.emplace_back(~std::uint32_t{0});
    for (const auto& b : s.rule->backends)
      if (b.weight > 0) top = std::min(top, b.priority);
    for (std::size_t b = 0; b < s.rule->backends.size(); ++b) {
      auto& made = out_.backends.emplace_back();
      made.rule = s.rule->name;
      made.name = s.rule->backends[b].name;
      made.priority = s.rule->backends[b].priority;
      made.endpoints = static_cast<std::uint32_t>(
          std::ranges::count(s.endpoints, static_cast<std::uint32_t>(b), &endpoint::backend));
      made.attempts_in.resize(used);
      made.failures_in.resize(used);
      for (const auto& fault : what.faults)
        if (world::hits(fault, s.rule->backends[b]))
          for (const auto& window : outside.windows(fault))
            made.faults.push_back({window, describe(fault)});
    }
  }
}

const std::string& recorder::backend_name(std::uint32_t site, std::uint32_t backend) const {
  static const std::string none = "no backend";
  return backend == nobody ? none : world_.sites()[site].rule->backends[backend].name;
}

std::size_t recorder::bucket_of(time_point now) const {
  const auto at = static_cast<std::size_t>(since_start(now) / out_.bucket);
  return std::min(at, out_.requests_in.size() - 1);
}

timeline_row& recorder::add_row(row_kind kind, time_point now, std::string backend,
                                std::string text) {
  const auto at = since_start(now);
  return out_.timeline.emplace_back(
      timeline_row{at, at, kind, std::move(backend), std::move(text), 1});
}

void recorder::add_grouped(row_kind kind, time_point now, const std::string& backend,
                           const std::string& text) {
  const auto [open, is_new] = open_groups_.try_emplace({kind, backend, text}, 0);
  if (is_new) {
    open->second = out_.timeline.size();
    add_row(kind, now, backend, text);
    return;
  }
  auto& row = out_.timeline[open->second];
  row.last = since_start(now);
  ++row.count;
}

void recorder::request_began(const load_source&, bool is_stream, time_point now) {
  ++out_.requests;
  out_.streams += is_stream ? 1 : 0;
  ++out_.requests_in[bucket_of(now)];
}

void recorder::attempt_began(std::uint32_t site, std::uint32_t backend, std::uint32_t number,
                             resilience::host_id host, time_point now) {
  ++out_.attempts;
  out_.extra_attempts += number > 1 ? 1 : 0;
  auto& who = story(site, backend);
  ++who.attempts;
  ++who.attempts_in[bucket_of(now)];
  if (ejected_now_.contains({site, host}))
    add_grouped(row_kind::panic, now, who.name, "made although it is ejected, as all are");
}

void recorder::attempt_ended(std::uint32_t site, std::uint32_t backend, bool is_failure,
                             double cost, time_point now) {
  auto& who = story(site, backend);
  cost_ += cost;
  if (!is_failure) {
    ++who.answered;
    return;
  }
  ++who.failed;
  ++who.failures_in[bucket_of(now)];
}

void recorder::request_answered(std::uint32_t site, std::uint32_t backend, std::uint32_t attempts,
                                std::uint32_t failures, time_point now) {
  const auto& who = story(site, backend);
  if (failures > 0)
    add_grouped(row_kind::saved, now, who.name, "answered after a failed attempt");
  else if (attempts > 1)
    add_grouped(row_kind::hedged, now, who.name, "answered with two attempts side by side");
  else if (who.priority > top_priority_[site])
    add_grouped(row_kind::moved, now, who.name,
                "answered by priority " + std::to_string(who.priority) + " at once");
}

void recorder::request_ended(const ended_request& what) {
  const auto shown = what.is_error ? what.end : what.head;
  out_.longest = std::max(out_.longest, std::chrono::floor<microseconds>(shown - what.start));
  const auto& name = backend_name(what.site, what.last_backend);
  if (what.is_error) {
    ++out_.errors;
    ++out_.errors_in[bucket_of(what.end)];
    auto& seen = causes_[what.cause];
    if (seen.count++ == 0) seen.first = since_start(what.end);
    seen.last = since_start(what.end);
    add_grouped(row_kind::error, what.end, name, describe(what.cause, name));
    return;
  }
  to_head_.push_back(as_sample(what.head - what.start));
  to_end_.push_back(as_sample(what.end - what.start));
  if (what.failures > 0) ++out_.saved;
}

void recorder::health_changed(std::uint32_t site, const resilience::health_event& event,
                              std::uint32_t backend) {
  using kind = resilience::health_event::kind;
  auto& who = story(site, backend);
  const bool has_more = who.endpoints > 1;
  const std::string where = has_more ? " (" + event.address + ")" : "";
  const auto at = since_start(event.at);
  if (event.what == kind::ejection_refused) {
    add_grouped(row_kind::refused, event.at, who.name,
                "not ejected" + where + ": maxEjectionPercent allows no more");
    return;
  }
  close_groups();
  if (event.what == kind::ejected) {
    ++who.ejections;
    ejected_now_[{site, event.host}] = who.ejected.size();
    who.ejected.push_back({at, microseconds::max()});
    const auto length = std::chrono::round<microseconds>(event.ejection_time);
    add_row(row_kind::ejected, event.at, who.name,
            "ejected for " + duration_text(length) + where + ": " + std::string{event.detector});
    return;
  }
  const auto found = ejected_now_.find({site, event.host});
  std::string text = "back in service" + where;
  if (found != ejected_now_.end()) {
    auto& when = who.ejected[found->second];
    when.until = at;
    text += " after " + duration_text(when.until - when.from);
    ejected_now_.erase(found);
  }
  add_row(row_kind::returned, event.at, who.name, text);
}

void recorder::fault_changed(std::size_t index, bool is_beginning, time_point now) {
  close_groups();
  const auto& fault = world_.played().faults[index];
  for (const auto& b : fault.backends)
    add_row(is_beginning ? row_kind::fault : row_kind::over, now, b.value, describe(fault));
}

report recorder::finish(time_point last) {
  const auto end = std::max(since_start(last), out_.duration);
  for (auto& who : out_.backends)
    for (auto& when : who.ejected)
      if (when.until == microseconds::max()) when.until = end;
  const auto answered = out_.requests - out_.errors;
  if (out_.requests > 0)
    out_.availability = 100.0 * static_cast<double>(answered) / static_cast<double>(out_.requests);
  out_.cost_factor = answered > 0 ? cost_ / static_cast<double>(answered) : 0;
  out_.first_content = percentiles_of(to_head_);
  out_.whole = percentiles_of(to_end_);
  // What clients saw stands before what it led to.
  std::ranges::stable_sort(out_.timeline, {}, [](const timeline_row& row) {
    return std::pair{row.at, row.kind == row_kind::ejected};
  });
  return std::move(out_);
}

}  // namespace understudy::simulate
