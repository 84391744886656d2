#include <understudy/credentials/store.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

#include <understudy/base/wipe.hpp>
#include <understudy/credentials/awaitable.hpp>
#include <understudy/credentials/refresh.hpp>

namespace understudy::credentials {
namespace {

namespace asio = boost::asio;
using executor = asio::io_context::executor_type;
using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;

bool is_token(const found_secret& what) { return std::holds_alternative<bearer_token>(what.value); }

}  // namespace

// ---- one credential -----------------------------------------------------------------------

std::shared_ptr<const secret> secret_slot::current(base::wall_time now) const {
  const std::lock_guard lock{mutex_};
  return held_ != nullptr && is_alive(*held_, now) ? held_ : nullptr;
}

std::string secret_slot::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

bool secret_slot::publish(const secret& found) {
  const std::lock_guard lock{mutex_};
  const bool is_news = held_ == nullptr || *held_ != found || !failure_.empty();
  if (is_news) held_ = base::make_wiped<const secret>(found);
  failure_.clear();
  return is_news;
}

bool secret_slot::fail(const std::string& reason) {
  const std::lock_guard lock{mutex_};
  const bool is_news = failure_ != reason;
  failure_ = reason;
  return is_news;
}

struct store::entry {
  entry(asio::io_context& context, plan::credential credential, const host_access& access)
      : wanted{std::move(credential)}, host{access}, wake{context.get_executor()} {}

  void stop() {
    is_stopped = true;
    wake.cancel();
  }

  const plan::credential wanted;
  const host_access host;
  const std::shared_ptr<secret_slot> slot = std::make_shared<secret_slot>();
  refresh_schedule schedule;
  timer wake;
  bool is_settled = false;
  bool is_stopped = false;  ///< once true the coroutine no longer touches the store
};

/// Looks up and sleeps in turns for as long as the credential is wanted.
struct store::keeper {
  static awaitable<void> run(store& owner, std::shared_ptr<entry> e) {
    auto& context = owner.context_;
    while (!e->is_stopped && e->schedule.next() != base::wall_time::max()) {
      const auto now = base::wall_now();
      if (now < e->schedule.next()) {
        e->wake.expires_after(
            std::min<base::wall_time::duration>(e->schedule.next() - now, owner.max_sleep_));
        co_await e->wake.async_wait(use_await);
        continue;
      }
      auto found = co_await look_up(context, e->wanted, e->host);
      if (e->is_stopped) co_return;
      if (found)
        owner.found(*e, *found);
      else
        owner.failed(*e, found.error().reason);
    }
  }
};

// ---- all of them --------------------------------------------------------------------------

store::store(asio::io_context& context, host_access host, std::chrono::milliseconds max_sleep)
    : context_{context}, host_{std::move(host)}, max_sleep_{max_sleep} {}

store::~store() { stop(); }

void store::stop() {
  const std::lock_guard lock{mutex_};
  for (const auto& list : {current_, previous_})
    for (const auto& e : list) e->stop();
}

void store::configure(const plan::plan& wanted) {
  entries next;
  entries fresh;
  for (const auto& route : wanted.routes)
    for (const auto& rule : route.rules)
      for (const auto& backend : rule.backends) {
        const auto& auth = backend.auth;
        // Where the client must bring its own there is nothing to look for.
        if (backend.request_auth && !backend.request_auth->falls_back) continue;
        if (!is_looked_up(auth) || find(next, auth) != nullptr) continue;
        auto known = find(current_, auth);
        if (known == nullptr) {
          known = std::make_shared<entry>(context_, auth, host_);
          fresh.push_back(known);
        }
        next.push_back(std::move(known));
      }
  {
    const std::lock_guard lock{mutex_};
    for (const auto& e : current_)
      if (find(next, e->wanted) == nullptr) e->stop();
    previous_ = std::exchange(current_, std::move(next));
  }
  for (const auto& e : fresh) begin(e);
  tell_ready();
}

void store::forget_previous() {
  const std::lock_guard lock{mutex_};
  previous_.clear();
}

/// What needs no network is there when configure() returns.
void store::begin(const std::shared_ptr<entry>& e) {
  if (const auto here = look_up_here(e->wanted, host_)) {
    if (*here)
      found(*e, **here);
    else
      failed(*e, here->error().reason);
  }
  if (e->schedule.next() == base::wall_time::max()) return;
  asio::co_spawn(context_.get_executor(), keeper::run(*this, e),
                 [this, e](const std::exception_ptr& thrown) {
                   // An exception here is a bug of ours; it must not end the process.
                   if (thrown && !e->is_stopped) failed(*e, "internal error");
                 });
}

void store::found(entry& e, const found_secret& what) {
  e.schedule.succeeded(base::wall_now(), expiry(what.value), what.is_reread);
  if (e.slot->publish(what.value) && heard_)
    heard_(false,
           std::string{noun(e.wanted)} + (is_token(what) ? " from " : " found in ") + what.where);
  settle(e);
}

void store::failed(entry& e, const std::string& reason) {
  e.schedule.failed(base::wall_now());
  if (e.slot->fail(reason) && heard_)
    heard_(true, "no " + std::string{noun(e.wanted)} + ": " + reason);
  settle(e);
}

void store::settle(entry& e) {
  if (std::exchange(e.is_settled, true)) return;
  tell_ready();
}

void store::tell_ready() {
  if (!is_ready()) return;
  for (const auto& ready : std::exchange(waiting_, {})) ready();
}

bool store::is_ready() const {
  const std::lock_guard lock{mutex_};
  return std::ranges::all_of(current_, [](const auto& e) { return e->is_settled; });
}

void store::wait_ready(std::function<void()> ready) {
  waiting_.push_back(std::move(ready));
  tell_ready();
}

std::shared_ptr<store::entry> store::find(const entries& among, const plan::credential& wanted) {
  for (const auto& e : among)
    if (is_same_secret(e->wanted, wanted)) return e;
  return nullptr;
}

std::shared_ptr<const secret_slot> store::slot(const plan::credential& wanted) const {
  const std::lock_guard lock{mutex_};
  auto e = find(current_, wanted);
  if (e == nullptr) e = find(previous_, wanted);
  return e == nullptr ? nullptr : e->slot;
}

std::shared_ptr<const secret> store::current(const plan::credential& wanted,
                                             base::wall_time now) const {
  const auto found = slot(wanted);
  return found == nullptr ? nullptr : found->current(now);
}

}  // namespace understudy::credentials
