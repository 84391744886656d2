#include "sim/run.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include <understudy/config/documents.hpp>
#include <understudy/config/load.hpp>
#include <understudy/plan/compile.hpp>

#include "sim/checks.hpp"
#include "sim/client.hpp"
#include "sim/proxy.hpp"
#include "sim/upstream.hpp"

namespace sim {
namespace {

namespace config = understudy::config;
namespace plan = understudy::plan;

constexpr auto longest_run = std::chrono::hours{3};
constexpr std::size_t most_events = 3'000'000;

/// Where the access log goes: a file in memory.
class log_file {
 public:
  log_file() : fd_{::memfd_create("access-log", MFD_CLOEXEC)} {}
  ~log_file() { ::close(fd_); }
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;
  int fd() const { return fd_; }
  std::vector<std::string> lines() const {
    std::vector<std::string> all(1);
    char block[8192];
    off_t at = 0;
    for (ssize_t n; (n = ::pread(fd_, block, sizeof block, at)) > 0; at += n)
      for (ssize_t i = 0; i < n; ++i) {
        if (block[i] == '\n')
          all.emplace_back();
        else
          all.back() += block[i];
      }
    all.pop_back();
    return all;
  }

 private:
  int fd_;
};

std::shared_ptr<const plan::plan> compile(const scenario& s, ledger& book) {
  config::load_options options;
  options.environment = [](const std::string&) { return std::nullopt; };
  const auto loaded = config::load_texts({{"sim.yaml", s.yaml}}, options);
  const auto made = plan::compile(*loaded.loaded, 1'700'000'000);
  for (const auto* findings : {&loaded.findings, &made.findings})
    for (const auto& f : *findings)
      if (f.level == config::severity::error) book.fail("configuration: " + to_text(f));
  return made.compiled;
}

/// The loop of a run: whatever is due first, in the network or in the proxy; ties by chance.
class world {
 public:
  world(const scenario& s, std::shared_ptr<const plan::plan> compiled, ledger& book, int log_fd)
      : plan_{s},
        book_{book},
        chance_{s.seed * 0xbf58476d1ce4e5b9ULL + 3},
        providers_{events_, s, book},
        proxy_{std::move(compiled),
               [this](const std::string& address, std::function<void(std::shared_ptr<wire>)> done) {
                 providers_.connect(address, std::move(done));
               },
               book, s.seed, log_fd} {}

  void play() {
    int next_client_wire = 0;
    for (const auto& c : plan_.clients)
      clients_.push_back(
          std::make_unique<client>(events_, plan_.seed, c, book_, next_client_wire,
                                   [this](std::shared_ptr<wire> w) { enter(std::move(w)); }));
    for (auto& c : clients_) c->start();
    if (plan_.drains_at) events_.after(*plan_.drains_at, [this] { drain(); });
    if (plan_.aborts_at)
      events_.after(*plan_.aborts_at, [this] {
        book_.note("run", "abort");
        drain();
        proxy_.run([this] { proxy_.abort(); });
      });
    if (plan_.reloads_at)
      events_.after(*plan_.reloads_at, [this] {
        book_.note("run", "reload");
        proxy_.run([this] { proxy_.reload(); });
      });
    until([this] { return are_clients_done(); }, "clients wait");
    drain();
    until([this] { return proxy_.sessions() == 0; }, "a drained proxy has open sessions");
    proxy_.run([] {});
  }

  remains finish() {
    auto left = proxy_.finish(plan_.retry_slots);
    clients_.clear();
    for (const auto& [w, id] : book_.leavers)
      book_.left_at.emplace_back(id, w->end_arrived_at(wire::proxy));
    book_.leavers.clear();
    events_.clear();
    return left;
  }

 private:
  void enter(std::shared_ptr<wire> w) {
    if (is_draining_) return w->close(wire::proxy);  // the listener is closed
    proxy_.accept(std::move(w), "192.0.2.1");
  }

  void drain() {
    if (is_draining_) return;
    is_draining_ = true;
    book_.note("run", "drain");
    proxy_.run([this] { proxy_.drain(); });
  }

  bool are_clients_done() const {
    for (const auto& c : clients_)
      if (!c->is_done()) return false;
    return true;
  }

  template <class Done>
  void until(Done&& is_done, const std::string& otherwise) {
    while (!is_done()) {
      if (++steps_ > most_events || base::clock::now() - run_start > longest_run)
        return book_.fail("no end in sight: " + otherwise);
      if (!one_step()) return book_.fail("nothing will ever happen again: " + otherwise);
    }
  }

  bool one_step() {
    const auto timer = proxy_.next_timer();
    const auto event = events_.next();
    const auto next = std::min(timer, event);
    if (next == event_queue::never) return false;
    time_.advance_to(std::max(next, base::clock::now()));
    if (event > timer || (event == timer && chance_.chance(50)))
      proxy_.run_timers();
    else if (events_.is_next_for_proxy())
      proxy_.run([this] { events_.run_one(); });
    else
      events_.run_one();
    return true;
  }

  base::simulated_time time_{run_start, base::wall_time{std::chrono::hours{24 * 365 * 54}}};
  const scenario& plan_;
  ledger& book_;
  event_queue events_;
  dice chance_;
  providers providers_;
  proxy proxy_;
  std::vector<std::unique_ptr<client>> clients_;
  std::size_t steps_ = 0;
  bool is_draining_ = false;
};

}  // namespace

result run_seed(std::uint64_t seed, bool is_tracing) {
  const auto plan = make_scenario(seed);
  ledger book;
  book.is_tracing = is_tracing;
  result out;
  out.about = plan.policy + ", " + std::to_string(plan.hosts.size()) + " endpoints, " +
              std::to_string(plan.clients.size()) + " clients";
  out.yaml = plan.yaml;
  log_file log;
  const int alive_before = wire::alive();
  auto compiled = compile(plan, book);
  if (compiled) {
    remains left;
    {
      world all{plan, std::move(compiled), book, log.fd()};
      all.play();
      left = all.finish();
    }
    book.log_lines = log.lines();
    book.is_tracing = false;
    check(plan, book, left, wire::alive() - alive_before);
  }
  out.problems = std::move(book.problems);
  out.trace = std::move(book.trace);
  out.outcomes = std::move(book.outcomes);
  out.exchanges = book.log_lines.size();
  out.attempts = book.serves.size();
  for (const auto& [_, r] : book.requests)
    if (r.end == response_end::proper && r.status < 300) ++out.good_answers;
  return out;
}

}  // namespace sim
