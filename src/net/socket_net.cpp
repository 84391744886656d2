#include <understudy/net/socket_net.hpp>

#include <netinet/tcp.h>

#include <algorithm>

#include <understudy/base/wipe.hpp>
#include <understudy/net/shortage.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <charconv>

namespace understudy::net {

base::result<std::shared_ptr<const tls_table>, std::string> tls_table::make(
    const plan::plan& plan, const tls_table* before) {
  auto table = base::make_wiped<tls_table>();
  if (before != nullptr) table->before_ = before->clients_;
  for (const auto& route : plan.routes)
    for (const auto& rule : route.rules)
      for (const auto& backend : rule.backends) {
        if (!backend.tls || find_in(table->clients_, *backend.tls)) continue;
        if (auto known = find_in(table->before_, *backend.tls)) {
          table->clients_.emplace_back(*backend.tls, std::move(known));
          continue;
        }
        auto made = tls_client::make(*backend.tls);
        if (!made) return "backend " + backend.name + ": " + made.error();
        table->clients_.emplace_back(*backend.tls, std::move(*made));
      }
  return std::shared_ptr<const tls_table>{std::move(table)};
}

std::shared_ptr<const tls_table> tls_table::without_previous() const {
  auto table = base::make_wiped<tls_table>();
  table->clients_ = clients_;
  return table;
}

std::shared_ptr<tls_client> tls_table::find_in(const entries& among,
                                               const plan::upstream_tls& settings) {
  for (const auto& [known, client] : among)
    if (known == settings) return client;
  return nullptr;
}

std::shared_ptr<tls_client> tls_table::find(const plan::upstream_tls& settings) const {
  auto client = find_in(clients_, settings);
  return client ? client : find_in(before_, settings);
}

std::optional<asio::generic::stream_protocol::endpoint> parse_endpoint(std::string_view text) {
  constexpr std::size_t longest_unix_path = 107;
  if (text.starts_with("unix:") && text.size() - 5 > longest_unix_path) return std::nullopt;
  if (text.starts_with("unix:"))
    return asio::local::stream_protocol::endpoint{std::string{text.substr(5)}};
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto digits = text.substr(colon + 1);
  const char* end = digits.data() + digits.size();
  const auto [at, failure] = std::from_chars(digits.data(), end, port);
  if (failure != std::errc{} || at != end) return std::nullopt;
  error_code ec;
  const auto address = asio::ip::make_address(std::string{host}, ec);
  if (ec) return std::nullopt;
  return asio::ip::tcp::endpoint{address, port};
}

namespace {

/// Best effort, as the system allows; seconds, at least one.
void set_keep_alive(int fd, const plan::tcp_keepalive& wanted) {
  const auto set = [&](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  const auto seconds = [](std::chrono::milliseconds d) {
    return std::max(1, static_cast<int>(std::chrono::ceil<std::chrono::seconds>(d).count()));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  if (wanted.probes) set(IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(*wanted.probes));
  if (wanted.idle_time) set(IPPROTO_TCP, TCP_KEEPIDLE, seconds(*wanted.idle_time));
  if (wanted.interval) set(IPPROTO_TCP, TCP_KEEPINTVL, seconds(*wanted.interval));
}

}  // namespace

socket_address socket_addresses::address_of(const plan::backend& backend, std::size_t target,
                                            const std::string& text) const {
  socket_address where;
  where.text = text;
  where.endpoint = parse_endpoint(text);
  if (backend.tls) {
    const auto& t = backend.targets[target];
    where.tls = tls_ ? tls_->find(*backend.tls) : nullptr;
    where.tls_name = t.hostname.empty() ? t.host : t.hostname;
    where.session = std::make_shared<tls_session_slot>();
  }
  return where;
}

awaitable<dial_result> socket_dialer::dial(socket_address& where, cancel_scope& scope) {
  dial_result result;
  if (!where.endpoint) {
    result.cause = "the name does not resolve";
    co_return result;
  }
  auto link = std::make_shared<connection<socket_stream>>(socket{context_});
  auto& plain = link->stream().plain();
  {
    const cancel_scope::waiting wait{scope, *link};
    auto connected = co_await plain.async_connect(*where.endpoint, use_await);
    if (auto& [ec] = connected; ec) {
      link->close();
      result.cause = ec == asio::error::connection_refused ? "connection refused" : ec.message();
      result.is_shortage = is_shortage(ec);
      if (result.is_shortage) result.cause.insert(0, "the proxy has run short: ");
      co_return result;
    }
    error_code ignored;
    plain.non_blocking(true, ignored);
    if (where.endpoint->protocol().family() != AF_UNIX)
      plain.set_option(asio::ip::tcp::no_delay{true}, ignored);
    if (where.keepalive && where.endpoint->protocol().family() != AF_UNIX)
      set_keep_alive(plain.native_handle(), *where.keepalive);
    if (where.session) {
      if (!where.tls) {
        link->close();
        result.cause = "TLS is not set up for this endpoint";
        co_return result;
      }
      auto& tls = link->stream().add_tls(where.tls->context(), where.session);
      where.tls->prepare(tls.native_handle(), where.tls_name, *where.session);
      auto shaken = co_await tls.async_handshake(asio::ssl::stream_base::client, use_await);
      if (auto& [ec] = shaken; ec) {
        result.cause = tls_failure(tls.native_handle(), ec);
        link->close();
        co_return result;
      }
      result.is_resumed = SSL_session_reused(tls.native_handle()) == 1;
    }
  }
  link->gather_writes_in(sends_);
  result.link = std::move(link);
  co_return result;
}

}  // namespace understudy::net
