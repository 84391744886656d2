#include "simulate/world.hpp"

#include <algorithm>

#include <understudy/config/suggest.hpp>
#include <understudy/proxy/router.hpp>

namespace understudy::simulate {
namespace {

using base::duration;
using config::fault_kind;
using config::scenario_fault;
using resilience::failure_class;
using std::chrono_literals::operator""ms;

constexpr std::size_t max_windows = 10'000;
constexpr duration error_takes = 20ms;  // an error is quicker than an answer

std::string address_of(const plan::target& to, std::uint32_t number) {
  std::string out =
      to.kind == plan::target_kind::unix_socket ? to.host : to.host + ":" + std::to_string(to.port);
  if (number > 1) out += "#" + std::to_string(number);
  return out;
}

config::scenario_backend normal_of(const scenario& what, const std::string& name) {
  const auto found = std::ranges::find(what.backends, name, &config::scenario_backend::name);
  return found == what.backends.end() ? config::default_backend() : *found;
}

bool is_met(const scenario_fault& fault, base::random_source& random) {
  return fault.share.value >= 100 || random.below(100) < fault.share.value;
}

void fail_before_head(behaviour& out, failure_class what) {
  out.what = what;
  out.head = error_takes;
}

void apply(const scenario_fault& fault, base::random_source& random, behaviour& out) {
  switch (fault.kind) {
    case fault_kind::status:
    case fault_kind::throttle:
      out.status = fault.status;
      out.head = error_takes;
      out.body = {};
      out.retry_after = fault.retry_after;
      return;
    case fault_kind::refuse:
      out.connects = false;
      out.is_refused = true;
      out.connect = 1ms;
      return;
    case fault_kind::unreachable:
      out.connects = false;
      out.connect = duration::max();
      return;
    case fault_kind::hang:
      out.head = duration::max();
      return;
    case fault_kind::slow:
    case fault_kind::slow_first_token:
      out.head = draw(fault.latency, random);
      return;
    case fault_kind::reset:
      fail_before_head(out, failure_class::closed);
      return;
    case fault_kind::malformed:
      fail_before_head(out, failure_class::protocol);
      return;
    case fault_kind::cut:
      out.end = behaviour::ending::cut;
      out.share_of_body = fault.cut_after;
      out.body = out.body * fault.cut_after / 100;
      return;
    case fault_kind::in_band_error:
      out.end = behaviour::ending::in_band_error;
      out.share_of_body = 0;
      out.body = {};
      return;
  }
}

}  // namespace

duration draw(const config::latency_spec& spec, base::random_source& random) {
  constexpr std::uint64_t scale = 1'000'000;
  const auto at = random.below(scale);
  const auto& points = config::latency_spec::permille;
  std::size_t i = 1;
  while (i + 1 < points.size() && at >= points[i] * (scale / 1000)) ++i;
  const auto low = points[i - 1] * (scale / 1000), high = points[i] * (scale / 1000);
  const auto from = spec.at_quantile[i - 1], to = spec.at_quantile[i];
  return from +
         (to - from) * static_cast<std::int64_t>(at - low) / static_cast<std::int64_t>(high - low);
}

double draw_exponential(base::random_source& random) {
  for (int whole = 0;; ++whole) {
    const auto first = random.next();
    auto previous = first;
    bool is_odd = true;
    for (auto next = random.next(); next < previous; next = random.next()) {
      previous = next;
      is_odd = !is_odd;
    }
    if (is_odd) return whole + static_cast<double>(first >> 11U) * 0x1.0p-53;
  }
}

world::world(const plan::plan& compiled, const scenario& what,
             std::vector<config::finding>& findings)
    : scenario_{what}, findings_{findings} {
  for (const auto& load : what.loads) add_load(compiled, load);
  if (!config::has_error(findings)) check_names();
}

void world::tell(const config::position& at, std::string field, std::string message) {
  findings_.push_back({config::severity::error, scenario_.file, at.line, at.column,
                       "Scenario " + scenario_.name, std::move(field), std::move(message)});
}

void world::add_load(const plan::plan& compiled, const config::scenario_load& written) {
  std::string model = written.model.value;
  if (model.empty()) model = compiled.models.empty() ? "any-model" : compiled.models.front().id;
  const codec::field_list fields;
  for (const auto& listener : compiled.listeners) {
    const auto found = proxy::match(compiled, listener,
                                    {.host = written.host.value,
                                     .method = "POST",
                                     .path = written.path.value,
                                     .query = {},
                                     .model = model,
                                     .fields = &fields});
    if (found.rule == nullptr || found.rule->local != plan::local_action::none) continue;
    auto& made = loads_.emplace_back();
    made.written = &written;
    made.site = site_of(*found.route, *found.rule);
    made.from = time_point{} + written.from.value;
    made.until =
        written.until.is_written ? std::min(end(), time_point{} + written.until.value) : end();
    return;
  }
  std::vector<std::string_view> models;
  for (const auto& m : compiled.models) models.push_back(m.id);
  const auto& at = written.model.is_written ? written.model.at : written.at;
  tell(at, written.model.is_written ? "load.model" : "load",
       "no rule of the configuration serves `" + model + "` at " + written.path.value + "; " +
           (models.empty() ? "write a `model` and a `path` that one of them serves"
                           : config::suggestion(model, models)));
}

std::uint32_t world::site_of(const plan::route& route, const plan::rule& rule) {
  for (std::size_t i = 0; i < sites_.size(); ++i)
    if (sites_[i].rule == &rule) return static_cast<std::uint32_t>(i);
  auto& made = sites_.emplace_back();
  made.rule = &rule;
  made.route = &route;
  for (std::size_t b = 0; b < rule.backends.size(); ++b) {
    made.normal.push_back(normal_of(scenario_, rule.backends[b].name));
    for (const auto& to : rule.backends[b].targets) {
      const auto count =
          to.kind == plan::target_kind::fqdn ? made.normal.back().addresses.value : 1;
      for (std::uint32_t n = 1; n <= count; ++n)
        made.endpoints.push_back({static_cast<std::uint32_t>(b), address_of(to, n)});
    }
  }
  return static_cast<std::uint32_t>(sites_.size() - 1);
}

void world::check_name(const std::string& name, const config::position& at, std::string field) {
  std::vector<std::string_view> known;
  for (const auto& s : sites_)
    for (const auto& b : s.rule->backends) {
      if (b.name == name) return;
      if (std::ranges::find(known, b.name) == known.end()) known.push_back(b.name);
    }
  tell(at, std::move(field),
       "the load meets no backend `" + name + "`; " + config::suggestion(name, known));
}

void world::check_endpoint(const scenario_fault& fault, std::size_t index) {
  std::vector<std::string_view> known;
  for (const auto& s : sites_)
    for (const auto& e : s.endpoints) {
      if (!hits(fault, s.rule->backends[e.backend])) continue;
      if (e.address == fault.endpoint.value) return;
      known.push_back(e.address);
    }
  tell(fault.endpoint.at, "faults[" + std::to_string(index) + "].endpoint",
       "`" + fault.endpoint.value + "` is no endpoint of it; " +
           config::suggestion(fault.endpoint.value, known));
}

void world::check_names() {
  for (const auto& b : scenario_.backends) check_name(b.name, b.at, "backends." + b.name);
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    const auto& fault = scenario_.faults[i];
    const auto before = findings_.size();
    for (const auto& name : fault.backends)
      check_name(name.value, name.at, "faults[" + std::to_string(i) + "].backend");
    if (fault.endpoint.is_written && findings_.size() == before) check_endpoint(fault, i);
  }
  for (const auto& e : scenario_.expectations)
    if (!e.backend.empty()) check_name(e.backend, e.at, e.field);
}

bool world::is_active(const scenario_fault& fault, time_point now) {
  const auto t = now.time_since_epoch();
  if (t < fault.from.value || (fault.until.is_written && t >= fault.until.value)) return false;
  if (!fault.every.is_written) return true;
  return (t - fault.from.value) % duration{fault.every.value} < fault.lasts.value;
}

std::vector<span> world::windows(const scenario_fault& fault) const {
  std::vector<span> out;
  const auto last =
      fault.until.is_written ? std::min(fault.until.value, scenario_.duration) : scenario_.duration;
  if (fault.from.value >= last) return out;
  if (!fault.every.is_written) return {{fault.from.value, last}};
  for (auto t = fault.from.value; t < last && out.size() < max_windows; t += fault.every.value)
    out.push_back({t, std::min(t + fault.lasts.value, last)});
  return out;
}

bool world::hits(const scenario_fault& fault, const plan::backend& backend) {
  return std::ranges::any_of(fault.backends,
                             [&](const auto& name) { return name.value == backend.name; });
}

behaviour world::answer(const site& where, const endpoint& to, bool is_stream, time_point now,
                        base::random_source& random) const {
  const auto& normal = where.normal[to.backend];
  behaviour out;
  out.what = failure_class::status;
  out.connect = draw(normal.connect, random);
  out.head = draw(normal.head, random);
  out.body = draw(normal.stream, random);
  if (!is_stream) {
    // A unary head comes when the answer is whole.
    out.head = normal.unary ? draw(*normal.unary, random) : out.head + out.body;
    out.body = {};
  }
  const auto is_here = [&](const scenario_fault& f) {
    return (!f.endpoint.is_written || f.endpoint.value == to.address) && is_active(f, now) &&
           hits(f, where.rule->backends[to.backend]) &&
           (is_stream || f.kind != fault_kind::slow_first_token);
  };
  for (const auto& fault : scenario_.faults)
    if (is_here(fault) && is_met(fault, random)) apply(fault, random, out);
  return out;
}

}  // namespace understudy::simulate
