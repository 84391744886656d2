#include "sim/scenario.hpp"

#include <array>

#include "sim/policies.hpp"

namespace sim {
namespace {

constexpr std::array<std::string_view, 28> script_names{"good",
                                                        "good-then-close",
                                                        "good-then-gone",
                                                        "good-then-stray",
                                                        "good-until-close",
                                                        "good-after-interim",
                                                        "slow-head",
                                                        "slow-words",
                                                        "comments-first",
                                                        "error-status",
                                                        "retry-after",
                                                        "context-window",
                                                        "close-before-head",
                                                        "reset-before-head",
                                                        "half-a-head",
                                                        "garbage",
                                                        "hang",
                                                        "cut",
                                                        "cut-reset",
                                                        "silence",
                                                        "in-band-first",
                                                        "in-band-later",
                                                        "polite-cut",
                                                        "html",
                                                        "empty",
                                                        "comments-only",
                                                        "error-before-body",
                                                        "bad-framing"};

const std::vector<script>& kind_scripts() {
  static const std::vector<script> all{script::good,
                                       script::good,
                                       script::good,
                                       script::good_then_close,
                                       script::good_then_gone,
                                       script::good_then_stray,
                                       script::good_until_close,
                                       script::good_after_interim,
                                       script::slow_words};
  return all;
}

script any_fault(dice& d) {
  const auto first = static_cast<std::uint64_t>(script::slow_head);
  return static_cast<script>(first + d.below(script_names.size() - first));
}

std::vector<script> mood(dice& d) {
  std::vector<script> scripts;
  const auto faults = d.pick(std::vector<std::uint64_t>{0, 0, 1, 2, 4, 8});
  const std::uint64_t goods = d.chance(20) ? 0 : d.between<std::uint64_t>(1, 6);
  for (std::uint64_t i = 0; i < goods; ++i) scripts.push_back(d.pick(kind_scripts()));
  for (std::uint64_t i = 0; i < faults; ++i) scripts.push_back(any_fault(d));
  if (scripts.empty()) scripts.push_back(script::good);
  return scripts;
}

weather some_weather(dice& d) {
  weather w;
  w.min_delay = microseconds{d.between(20, 2'000)};
  w.max_delay = w.min_delay + (d.chance(15) ? duration{milliseconds{d.between(1, 400)}}
                                            : duration{microseconds{d.between(0, 3'000)}});
  if (d.chance(50)) w.max_piece = d.pick(std::vector<std::size_t>{1, 7, 64, 700, 4'000});
  if (d.chance(25)) w.window = d.pick(std::vector<std::size_t>{300, 1'500, 9'000, 70'000});
  return w;
}

request_plan some_request(dice& d, const std::string& id) {
  request_plan r;
  r.id = id;
  r.is_stream = d.chance(60);
  // Models that take the begin of an answer, or nobody knows whether they do.
  if (d.chance(40))
    r.model = d.pick(std::vector<std::string>{"deepseek-chat", "claude-3-haiku", "meta/llama"});
  if (d.chance(12)) r.padding = d.pick(std::vector<std::size_t>{700, 5'000, 9'000, 60'000});
  r.is_chunked = d.chance(10);
  r.think = d.chance(60) ? duration{} : duration{milliseconds{d.between(0, 2'000)}};
  if (d.chance(12)) {
    r.how = d.pick(std::vector<leaving>{leaving::close, leaving::reset, leaving::half_close});
    r.leaves_after = d.chance(60) ? duration{microseconds{d.between(0, 40'000)}}
                                  : duration{milliseconds{d.between(0, 20'000)}};
  }
  return r;
}

client_plan some_client(dice& d, std::size_t number) {
  client_plan c;
  c.starts_at = d.chance(40) ? duration{milliseconds{d.between(0, 50)}}
                             : duration{milliseconds{d.between(0, 20'000)}};
  const auto count = d.between<std::size_t>(1, 6);
  for (std::size_t i = 0; i < count; ++i)
    c.requests.push_back(some_request(d, "c" + std::to_string(number) + "r" + std::to_string(i)));
  c.is_pipelining = d.chance(12);
  if (d.chance(12)) {
    c.reads_at_a_time = d.pick(std::vector<std::size_t>{50, 400, 3'000});
    c.reads_every = milliseconds{d.between(1, 300)};
  }
  c.stops_reading = d.chance(3);
  c.up = some_weather(d);
  c.down = some_weather(d);
  return c;
}

}  // namespace

std::string_view name(script s) { return script_names[static_cast<std::size_t>(s)]; }

scenario make_scenario(std::uint64_t seed) {
  dice d{seed * 0x9e3779b97f4a7c15ULL + 1};
  scenario s;
  s.seed = seed;
  const bool is_calm = d.chance(8);  // nothing fails: nothing may go wrong at all
  const auto priorities = d.between<std::uint32_t>(1, 3);
  std::vector<backend_plan> backends;
  for (std::uint32_t p = 0; p < priorities; ++p)
    for (std::uint32_t n = d.chance(25) ? 2 : 1; n > 0; --n) {
      backend_plan b;
      b.name = "b" + std::to_string(backends.size());
      b.priority = p;
      b.is_bedrock = d.chance(20);
      const auto endpoints = d.between(1, 3);
      for (int e = 0; e < endpoints; ++e) {
        host_plan h;
        h.address = "10.0." + std::to_string(backends.size()) + "." + std::to_string(e + 1);
        b.addresses.push_back(h.address);
        h.address += ":8080";
        h.is_bedrock = b.is_bedrock;
        h.scripts = mood(d);
        h.later = d.chance(50) ? h.scripts : mood(d);
        h.turns_at = milliseconds{d.between(0, 30'000)};
        if (d.chance(15)) h.refuse_percent = d.pick(std::vector<std::uint32_t>{20, 100});
        if (d.chance(8)) h.hang_percent = d.pick(std::vector<std::uint32_t>{20, 100});
        h.up = some_weather(d);
        h.down = some_weather(d);
        if (is_calm) {
          h.scripts = h.later = {script::good, script::slow_words};
          h.refuse_percent = h.hang_percent = 0;
        }
        s.hosts.push_back(std::move(h));
      }
      backends.push_back(std::move(b));
    }
  choose_policy(s, backends, d);
  const auto clients = d.between<std::size_t>(1, d.chance(30) ? 20 : 6);
  for (std::size_t c = 0; c < clients; ++c) s.clients.push_back(some_client(d, c));
  if (d.chance(25)) s.drains_at = milliseconds{d.between(0, 25'000)};
  if (d.chance(10)) s.aborts_at = milliseconds{d.between(0, 30'000)};
  if (d.chance(15)) s.reloads_at = milliseconds{d.between(0, 25'000)};
  return s;
}

}  // namespace sim
