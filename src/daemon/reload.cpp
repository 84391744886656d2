#include <understudy/base/wipe.hpp>
#include <understudy/telemetry/log.hpp>

#include "daemon/server_impl.hpp"

/// A configuration comes into force: read, checked and built whole, its new sockets bound, its
/// names and keys looked up; then swapped in one go. One that is refused has changed nothing.
namespace understudy::daemon {

namespace log = telemetry::log;

namespace {

std::string listed(std::string_view words, const std::vector<std::string>& addresses) {
  std::string text;
  for (const auto& a : addresses) text += (text.empty() ? std::string{words} : ", ") + a;
  return text.empty() ? text : "; " + text;
}

}  // namespace

base::result<net::worker_plan, std::string> server::impl::workers_plan(
    const std::shared_ptr<const proxy::active_plan>& from, const listener_table::change& doors) {
  net::worker_plan made;
  made.active = from;
  auto table = net::tls_table::make(*from->configuration, last_tls.get());
  if (!table) return table.error();
  made.upstream_tls = std::move(*table);
  for (std::size_t i = 0; i < doors.next.size(); ++i) {
    const auto& listener = from->configuration->listeners[i];
    made.listeners.push_back({doors.next[i].id, nullptr});
    if (listener.certificates.empty()) continue;
    auto tls = net::tls_server::make(listener.certificates);
    if (!tls) return "listener " + listener.name + ": " + tls.error();
    made.listeners.back().tls = std::move(*tls);
  }
  return made;
}

admin::reload_result server::impl::reload() {
  const auto refuse = [&](std::string text) {
    hub.on_reload(false, "reload refused, the running configuration stays: " + text);
    return admin::reload_result{false, std::move(text)};
  };
  if (is_draining) return refuse("this process is draining");
  if (!opts.load) return refuse("this process has no configuration files");
  is_reload_due = !is_serving;
  if (is_reload_due) return refuse("this process is still starting; it reads it when it serves");
  if (staged) commit();
  service.reloading();
  watch.begin_reading();
  auto [next, files] = opts.load();
  if (!opts.watched.empty()) watch.follow(std::move(files));
  std::string findings;
  for (const auto& f : next.findings)
    if (f.level != config::severity::info) findings += to_text(f) + '\n';
  auto made =
      next.compiled ? stage(*next.compiled) : base::result<staged_plan, std::string>{findings};
  if (!made) {
    service.ready("serving; a reload was refused, see the log");
    return refuse(made.error());
  }
  staged = std::move(*made);
  commit_when_known();
  return {true, findings};
}

base::result<server::impl::staged_plan, std::string> server::impl::stage(const plan::plan& next) {
  auto numbered = base::make_wiped<plan::plan>(next);
  numbered->generation = configuration->generation + 1;
  auto doors = listeners.prepare(*numbered);
  if (!doors) return doors.error();
  staged_plan made;
  made.configuration = numbered;
  made.active = proxy::activate(numbered, current().get(), base::clock::now(), random);
  auto plan = workers_plan(made.active, *doors);
  if (!plan) return plan.error();
  made.for_workers = std::move(*plan);
  made.listeners = std::move(*doors);
  return made;
}

/// Requests must not find a backend whose name or token is only being looked up.
void server::impl::commit_when_known() {
  const auto wanted = staged->configuration->generation;
  const auto go_on = [this, wanted] {
    if (staged && staged->configuration->generation == wanted && names.is_ready() &&
        keys.is_ready())
      commit();
  };
  keys.configure(*staged->configuration);
  names.activate(staged->active, go_on);
  go_on();
  if (!staged) return;
  keys.wait_ready(go_on);
  names_limit.expires_after(longest_wait_for_names);
  names_limit.async_wait([this, wanted](error_code ec) {
    if (!ec && staged && staged->configuration->generation == wanted) commit();
  });
}

void server::impl::commit() {
  auto next = std::move(*staged);
  staged.reset();
  names_limit.cancel();
  retired.push_back(active);
  configuration = next.configuration;
  {
    const std::scoped_lock lock{active_mutex};
    active = next.active;
  }
  hub.configure(*configuration);
  last_tls = next.for_workers.upstream_tls;
  prober.activate(active, last_tls);
  const auto opened = listed("listening on ", next.listeners.opened);
  const auto closed = listed("no longer listening on ", next.listeners.closed);
  auto sockets = listeners.commit(std::move(next.listeners));
  for (std::size_t i = 0; i < workers.size(); ++i)
    workers[i]->replace_plan(next.for_workers, std::move(sockets[i]));
  const auto text =
      "configuration reloaded, generation " + std::to_string(configuration->generation);
  hub.on_reload(true, text + opened + closed);
  service.ready("serving; " + text);
}

/// What only old plans needed is kept while an exchange pins one of them, and no longer.
void server::impl::forget_old_plans() {
  if (retired.empty() || staged) return;
  std::erase_if(retired, [](const auto& plan) { return plan.expired(); });
  if (!retired.empty()) return;
  keys.forget_previous();
  last_tls = last_tls->without_previous();
  prober.activate(active, last_tls);
  for (auto& w : workers) w->replace_upstream_tls(last_tls);
}

}  // namespace understudy::daemon
