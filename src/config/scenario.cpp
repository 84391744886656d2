#include <understudy/config/scenario.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "config/object_reader.hpp"
#include "config/scalars.hpp"
#include "config/scenario_parts.hpp"

namespace understudy::config {
namespace {

using std::chrono::microseconds;

constexpr double max_requests = 5'000'000;
constexpr milliseconds max_duration = std::chrono::hours{24 * 7};

const node::entry* entry_of(const node& map, std::string_view key) {
  const auto found = std::ranges::find(map.entries, key, &node::entry::key);
  return found == map.entries.end() ? nullptr : &*found;
}

void read_window(object_reader& in, located<milliseconds>& from, located<milliseconds>& until) {
  in.duration("from", from);
  in.duration("until", until);
  if (until.is_written && until.value <= from.value)
    in.error(until.at, "until", "is not after `from`; write a later time");
}

void read_load(object_reader& in, scenario_load& out) {
  static constexpr std::array<std::string_view, 2> arrivals{"even", "poisson"};
  out.at = in.at();
  read_decimal(in, "requestsPerSecond", out.rate, 0.001, 100'000);
  in.text("arrival", out.arrival, {.choices = arrivals});
  in.number("streaming", out.streaming, {.max = 100});
  in.text("path", out.path, {.check = check_path});
  in.text("model", out.model);
  in.text("host", out.host);
  read_window(in, out.from, out.until);
}

void read_backends(object_reader& root, scenario& out) {
  each_named(root, "backends", [&](std::string_view name, const position& at, object_reader& in) {
    auto made = default_backend();
    made.name = name;
    made.at = at;
    in.number("addresses", made.addresses, {.min = 1, .max = 64});
    read_latency(in, "connect", made.connect);
    read_latency(in, "head", made.head);
    read_latency(in, "stream", made.stream);
    latency_spec unary;
    if (read_latency(in, "unary", unary)) made.unary = unary;
    out.backends.push_back(std::move(made));
  });
}

/// `brown-out` of `scenarios/brown-out.yaml`: the name where none is written.
std::string stem_of(const std::string& file) {
  const auto name = file.substr(file.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

milliseconds end_of(const located<milliseconds>& until, const scenario& whole) {
  return until.is_written ? std::min(until.value, whole.duration) : whole.duration;
}

void check_size(reading& shared, const scenario& whole) {
  double requests = 0;
  for (const auto& load : whole.loads)
    requests += load.rate.value *
                static_cast<double>((end_of(load.until, whole) - load.from.value).count()) / 1000;
  if (requests > max_requests)
    shared.tell(severity::error, whole.loads.front().at, "load",
                "is more than 5,000,000 requests; write a lower `requestsPerSecond` or a shorter "
                "`duration`");
}

void read_whole(reading& shared, const node& document, scenario& out) {
  object_reader root{shared, document, document.at, ""};
  located<std::string> name, about;
  located<milliseconds> duration{out.duration};
  located<std::uint32_t> seed{1};
  if (root.text("name", name)) {
    out.name = name.value;
    shared.label = "Scenario " + out.name;
  }
  if (root.text("about", about)) out.about = about.value;
  if (root.duration("duration", duration, {.is_zero_allowed = false}) &&
      duration.value > max_duration)
    root.error(duration.at, "duration", "is longer than 168h; write less");
  out.duration = duration.value;
  if (root.number("seed", seed)) out.seed = seed.value;

  const auto* load = entry_of(document, "load");
  const auto one_load = [&](object_reader& in) { read_load(in, out.loads.emplace_back()); };
  if (load != nullptr && load->value->type == node::kind::sequence)
    root.list("load", one_load, {.min = 1, .hint = "`requestsPerSecond: 10`"});
  else
    root.object("load", one_load);
  if (out.loads.empty()) out.loads.emplace_back();
  read_backends(root, out);
  root.list("faults", [&](object_reader& in) { read_fault(in, out.faults.emplace_back()); });
  root.object("expect", [&](object_reader& in) { read_expectations(in, out.expectations); });
  root.finish();
  for (const auto& l : out.loads)
    if (l.from.value >= out.duration)
      shared.tell(severity::error, l.from.at, "load.from",
                  "is not before the end; write a time below `duration`");
  if (shared.errors == 0) check_size(shared, out);
}

}  // namespace

latency_spec latency_spec::constant(microseconds value) {
  latency_spec out;
  out.at_quantile.fill(value);
  return out;
}

latency_spec latency_spec::of_p50_p99(microseconds p50, microseconds p99) {
  // Bent as latencies are: most of the way to p99 is made by the slowest tenth.
  const auto rest = p99 - p50;
  return {{p50 / 2, p50, p50 + rest * 4 / 10, p99, p99 + rest / 2}};
}

latency_spec latency_spec::of_min_max(microseconds min, microseconds max) {
  latency_spec out;
  for (std::size_t i = 0; i < permille.size(); ++i)
    out.at_quantile[i] = min + (max - min) * permille[i] / 1000;
  return out;
}

scenario_backend default_backend() {
  using std::chrono_literals::operator""ms;
  scenario_backend out;
  out.connect = latency_spec::constant(20ms);
  out.head = latency_spec::of_p50_p99(400ms, 1200ms);
  out.stream = latency_spec::of_p50_p99(3000ms, 9000ms);
  return out;
}

scenario_result load_scenario(const source_file& source) {
  scenario_result result;
  auto made = std::make_shared<scenario>();
  made->file = source.name;
  made->name = stem_of(source.name);
  reading shared{.findings = result.findings, .label = "Scenario " + made->name};
  const auto parsed =
      parse_yaml(made->file, source.text, [](const std::string&) { return std::nullopt; });
  for (const auto& problem : parsed.problems)
    shared.tell(severity::error, problem.at, "", problem.message);
  if (shared.errors == 0 && parsed.documents.size() != 1)
    shared.tell(severity::error,
                parsed.documents.empty() ? position{made->file, 1, 1} : parsed.documents[1]->at, "",
                "a scenario is one document; write one with `load`, `faults` and `expect`");
  if (shared.errors == 0) {
    const auto& document = *parsed.documents.front();
    if (document.type != node::kind::map)
      shared.tell(severity::error, document.at, "",
                  "is no scenario; write `load`, `faults` and `expect`");
    else
      read_whole(shared, document, *made);
  }
  if (shared.errors == 0) result.loaded = std::move(made);
  return result;
}

scenario_result load_scenario_path(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (in && !in.bad()) return load_scenario({path, std::move(text)});
  return {nullptr, {{severity::error, path, 0, 0, {}, {}, "can't be read"}}};
}

}  // namespace understudy::config
