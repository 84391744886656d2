#include <understudy/credentials/store.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/http_fetch.hpp>
#include <understudy/credentials/imds.hpp>
#include <understudy/credentials/refresh.hpp>

namespace understudy::credentials {
namespace {

namespace asio = boost::asio;
using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;
using looked_up = base::result<found_keys, std::string>;

constexpr auto use_await = asio::as_tuple(asio::use_awaitable_t<executor>{});

awaitable<looked_up> ask_container(asio::io_context& context, http_call call) {
  const auto reply = co_await fetch(context, std::move(call));
  if (!reply) co_return "container endpoint: " + reply.error();
  if (reply->status != 200)
    co_return "container endpoint: answered with " + std::to_string(reply->status);
  auto keys = parse_keys(reply->body);
  if (!keys) co_return "container endpoint: " + keys.error().reason;
  co_return found_keys{aws_source::container, *keys};
}

awaitable<looked_up> ask_instance(asio::io_context& context, http_call endpoint) {
  imds_exchange exchange{std::move(endpoint)};
  http_call call = exchange.start();
  for (;;) {
    const auto reply = co_await fetch(context, std::move(call));
    if (!reply) co_return "instance metadata: " + reply.error();
    auto next = exchange.on_reply(*reply);
    if (auto* keys = std::get_if<aws_keys>(&next))
      co_return found_keys{aws_source::instance, std::move(*keys)};
    if (auto* text = std::get_if<std::string>(&next)) co_return std::move(*text);
    call = std::move(std::get<http_call>(next));
  }
}

awaitable<looked_up> look_up(asio::io_context& context, const plan::aws_credential& wanted,
                             const host_access& host) {
  auto found = resolve(wanted, host);
  if (auto* keys = std::get_if<found_keys>(&found)) co_return std::move(*keys);
  if (auto* none = std::get_if<no_keys>(&found)) co_return std::move(none->reason);
  if (auto* container = std::get_if<container_lookup>(&found))
    co_return co_await ask_container(context, std::move(container->call));
  co_return co_await ask_instance(context, std::move(std::get<instance_lookup>(found).endpoint));
}

}  // namespace

// ---- one credential -----------------------------------------------------------------------

std::shared_ptr<const aws_keys> key_slot::keys(base::wall_time now) const {
  const std::lock_guard lock{mutex_};
  return keys_ != nullptr && keys_->is_alive(now) ? keys_ : nullptr;
}

std::string key_slot::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

bool key_slot::publish(const aws_keys& keys) {
  const std::lock_guard lock{mutex_};
  const bool is_news = keys_ == nullptr || *keys_ != keys || !failure_.empty();
  if (is_news) keys_ = std::make_shared<const aws_keys>(keys);
  failure_.clear();
  return is_news;
}

bool key_slot::fail(const std::string& reason) {
  const std::lock_guard lock{mutex_};
  const bool is_news = failure_ != reason;
  failure_ = reason;
  return is_news;
}

struct store::entry {
  entry(asio::io_context& context, plan::aws_credential credential, const host_access& access)
      : wanted{std::move(credential)}, host{access}, wake{context.get_executor()} {}

  void stop() {
    is_stopped = true;
    wake.cancel();
  }

  const plan::aws_credential wanted;
  const host_access host;
  const std::shared_ptr<key_slot> slot = std::make_shared<key_slot>();
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
        owner.failed(*e, found.error());
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
        const auto* credential = std::get_if<plan::aws_credential>(&backend.auth);
        if (credential == nullptr || find(next, *credential) != nullptr) continue;
        auto known = find(current_, *credential);
        if (known == nullptr) {
          known = std::make_shared<entry>(context_, *credential, host_);
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

/// What needs no network is there when configure() returns.
void store::begin(const std::shared_ptr<entry>& e) {
  auto result = resolve(e->wanted, host_);
  if (const auto* keys = std::get_if<found_keys>(&result)) found(*e, *keys);
  if (const auto* none = std::get_if<no_keys>(&result)) failed(*e, none->reason);
  if (e->schedule.next() == base::wall_time::max()) return;
  asio::co_spawn(context_.get_executor(), keeper::run(*this, e),
                 [this, e](const std::exception_ptr& thrown) {
                   // An exception here is a bug of ours; it must not end the process.
                   if (thrown && !e->is_stopped) failed(*e, "internal error");
                 });
}

void store::found(entry& e, const found_keys& what) {
  e.schedule.succeeded(base::wall_now(), what.keys.expires,
                       what.source == aws_source::shared_files);
  if (e.slot->publish(what.keys) && heard_)
    heard_(false, "AWS keys found in " + std::string{name(what.source)});
  settle(e);
}

void store::failed(entry& e, const std::string& reason) {
  e.schedule.failed(base::wall_now());
  if (e.slot->fail(reason) && heard_) heard_(true, "no AWS keys: " + reason);
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

/// The region plays no part in finding keys.
std::shared_ptr<store::entry> store::find(const entries& among,
                                          const plan::aws_credential& wanted) {
  for (const auto& e : among)
    if (e->wanted.profile == wanted.profile && e->wanted.ini == wanted.ini) return e;
  return nullptr;
}

std::shared_ptr<const key_slot> store::slot(const plan::aws_credential& wanted) const {
  const std::lock_guard lock{mutex_};
  auto e = find(current_, wanted);
  if (e == nullptr) e = find(previous_, wanted);
  return e == nullptr ? nullptr : e->slot;
}

std::shared_ptr<const aws_keys> store::current(const plan::aws_credential& wanted,
                                               base::wall_time now) const {
  const auto found = slot(wanted);
  return found == nullptr ? nullptr : found->keys(now);
}

}  // namespace understudy::credentials
