#include "daemon/listener_table.hpp"

#include <algorithm>

namespace understudy::daemon {
namespace {

bool is_named(const given_socket& given, const std::string& name) {
  return given.is_activated() && given.name == name;
}

bool is_at(const given_socket& given, const net::listen_address& wanted) {
  if (given.address == net::to_text(wanted)) return true;
  return wanted.address.empty() && given.endpoint.address().is_unspecified() &&
         given.endpoint.port() == wanted.port;
}

net::listen_address address_in(const boost::asio::ip::tcp::endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

}  // namespace

void listener_table::give(std::vector<given_socket> sockets) { given_ = std::move(sockets); }

net::owned_socket listener_table::take_given(const std::string& name,
                                             const net::listen_address& wanted) {
  auto found = std::ranges::find_if(given_, [&](const auto& g) {
    return is_named(g, name) || g.address == name + "=" + net::to_text(wanted);
  });
  if (found == given_.end())
    found = std::ranges::find_if(given_, [&](const auto& g) { return is_at(g, wanted); });
  return found == given_.end() ? net::owned_socket{} : found->socket.copy();
}

std::vector<std::string> listener_table::close_unused() {
  std::vector<std::string> unused;
  for (const auto& g : given_) {
    const auto takes = [&](const entry& e) {
      return e.sockets->endpoint == g.endpoint && e.given_name == g.name;
    };
    if (g.name != "admin" && std::ranges::none_of(open_, takes) && g.is_activated())
      unused.push_back("socket `" + g.name + "` on " + net::to_text(g.endpoint) +
                       " fits no listener, by name or by address; nobody answers there");
  }
  std::erase_if(given_, [](const auto& g) { return !g.is_activated(); });
  return unused;
}

/// A socket of systemd's with the listener's name is where it listens, whatever is written.
net::listen_address listener_table::address_of(const plan::plan& plan, std::size_t index) const {
  const auto& listener = plan.listeners[index];
  for (const auto& g : given_)
    if (is_named(g, listener.name)) return address_in(g.endpoint);
  for (const auto& o : overrides_)
    if (o.listener == listener.name || (o.listener.empty() && index == 0))
      return {o.address, o.port};
  return {listener.address, listener.port};
}

base::result<std::vector<net::listen_address>, std::string> listener_table::addresses_of(
    const plan::plan& plan) const {
  for (const auto& o : overrides_) {
    const auto is_it = [&](const auto& l) { return o.listener.empty() || l.name == o.listener; };
    if (std::ranges::none_of(plan.listeners, is_it))
      return "--listen " + o.listener + "=…: the configuration has no listener of that name";
  }
  std::vector<net::listen_address> all;
  for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
    auto wanted = address_of(plan, i);
    const auto same = std::ranges::find(all, wanted);
    if (same != all.end() && wanted.port != 0)
      return "listeners `" + plan.listeners[static_cast<std::size_t>(same - all.begin())].name +
             "` and `" + plan.listeners[i].name + "` are both to listen on " +
             net::to_text(wanted) + "; give one of them another port";
    all.push_back(std::move(wanted));
  }
  return all;
}

std::shared_ptr<const net::listening_sockets> listener_table::given_for(
    const std::string& name, const net::listen_address& wanted, std::string& given_name) {
  auto found = std::make_shared<net::listening_sockets>();
  const bool has_name =
      std::ranges::any_of(given_, [&](const auto& g) { return is_named(g, name); });
  for (const auto& g : given_) {
    if (has_name ? !is_named(g, name) : !is_at(g, wanted)) continue;
    found->sockets.push_back(g.socket.copy());
    found->endpoint = g.endpoint;
    given_name = g.name;
    own_ports_.insert(g.endpoint.port());
  }
  return found->sockets.empty() ? nullptr : found;
}

/// Where there are fewer sockets than workers some share one; where more, some have two.
base::result<void, std::string> listener_table::open(entry& made, change& into) {
  made.id = ++last_id_;
  made.sockets = given_for(made.name, made.wanted, made.given_name);
  if (!made.sockets) {
    // Between two of our own the kernel needs no telling that they may share a port.
    auto bound = net::bind_listener(made.wanted, workers_, own_ports_.contains(made.wanted.port));
    if (!bound) return bound.error();
    own_ports_.insert(bound->endpoint.port());
    made.sockets = std::make_shared<const net::listening_sockets>(std::move(*bound));
  }
  const auto& sockets = made.sockets->sockets;
  for (std::size_t i = 0; i < std::max<std::size_t>(sockets.size(), workers_); ++i) {
    auto copy = sockets[i % sockets.size()].copy();
    if (copy.get() < 0)
      return "cannot listen on " + net::to_text(made.sockets->endpoint) +
             ": the process has no descriptors left";
    into.fresh[i % workers_].push_back(
        {made.id, std::move(copy), made.sockets->endpoint.protocol()});
  }
  into.opened.push_back(net::to_text(made.sockets->endpoint));
  return {};
}

base::result<listener_table::change, std::string> listener_table::prepare(
    const plan::plan& wanted) {
  const auto addresses = addresses_of(wanted);
  if (!addresses) return addresses.error();
  change made;
  made.fresh.resize(workers_);
  auto staying = open_;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const auto known = std::ranges::find(staying, (*addresses)[i], &entry::wanted);
    if (known != staying.end()) {
      made.next.push_back(*known);
      made.next.back().name = wanted.listeners[i].name;
      staying.erase(known);
      continue;
    }
    auto& fresh = made.next.emplace_back();
    fresh.name = wanted.listeners[i].name;
    fresh.wanted = (*addresses)[i];
    if (auto opened = open(fresh, made); !opened) return opened.error();
  }
  for (const auto& gone : staying) made.closed.push_back(net::to_text(gone.sockets->endpoint));
  return made;
}

std::vector<std::vector<net::bound_listener>> listener_table::commit(change&& next) {
  std::vector<std::vector<net::bound_listener>> fresh{next.fresh.size()};
  for (std::size_t w = 0; w < fresh.size(); ++w)
    for (auto& one : next.fresh[w])
      fresh[w].push_back({one.id, one.socket.release(), one.protocol});
  open_ = std::move(next.next);
  return fresh;
}

std::vector<std::string> listener_table::addresses() const {
  std::vector<std::string> all;
  for (const auto& e : open_) all.push_back(net::to_text(e.sockets->endpoint));
  return all;
}

std::vector<passed_socket> listener_table::to_pass_on() const {
  std::vector<passed_socket> all;
  for (const auto& e : open_)
    for (const auto& s : e.sockets->sockets)
      all.push_back({e.given_name + "@" + net::to_text(e.wanted), s.get()});
  for (const auto& g : given_) {
    const auto is_open = [&](const entry& e) {
      return e.given_name == g.name && e.sockets->endpoint == g.endpoint;
    };
    if (std::ranges::none_of(open_, is_open))
      all.push_back({g.name + "@" + g.address, g.socket.get()});
  }
  return all;
}

void listener_table::close() {
  open_.clear();
  given_.clear();
}

}  // namespace understudy::daemon
