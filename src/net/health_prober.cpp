#include <understudy/net/health_prober.hpp>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/shortage.hpp>
#include <understudy/proxy/check_verdict.hpp>

namespace understudy::net {
namespace {

namespace http = boost::beast::http;
using resilience::check_result;

constexpr std::chrono::milliseconds longest_nap{250};  // a name's new address waits that long
constexpr std::uint32_t max_head_bytes = 64U * 1024;
constexpr std::size_t max_received_bytes = 64U * 1024;

template <class Stream>
awaitable<check_result> ask_http(Stream& stream, const plan::health_check& check,
                                 const std::string& request) {
  auto written = co_await asio::async_write(stream, asio::buffer(request), use_await);
  if (std::get<0>(written)) co_return check_result::unreachable;
  boost::beast::flat_buffer buffer;
  for (int interim = 0; interim <= max_interim; ++interim) {
    http::response_parser<http::string_body> parser;
    parser.header_limit(max_head_bytes);
    parser.body_limit(boost::none);
    parser.skip(check.method == "HEAD");
    parser.eager(true);
    auto head = co_await http::async_read_header(stream, buffer, parser, use_await);
    if (std::get<0>(head)) co_return check_result::unreachable;
    if (parser.get().result_int() < 200 && parser.get().result_int() != 101) continue;
    const auto& body = parser.get().body();
    while (!check.expected_response.empty() && !parser.is_done() &&
           body.size() < proxy::checked_body_bytes) {
      auto more = co_await http::async_read_some(stream, buffer, parser, use_await);
      const auto ec = std::get<0>(more);
      if (ec && ec != http::error::end_of_stream) co_return check_result::unreachable;
      if (ec) break;
    }
    const auto verdict =
        proxy::check_verdict(check, static_cast<int>(parser.get().result_int()), body);
    const bool is_degraded = parser.get().find("x-envoy-degraded") != parser.get().end();
    co_return verdict == check_result::pass&& is_degraded ? check_result::degraded : verdict;
  }
  co_return check_result::unreachable;
}

template <class Stream>
awaitable<check_result> ask_tcp(Stream& stream, const plan::health_check& check) {
  if (!check.send.empty()) {
    auto written = co_await asio::async_write(stream, asio::buffer(check.send), use_await);
    if (std::get<0>(written)) co_return check_result::unreachable;
  }
  std::string received;
  char piece[1024];
  while (received.find(check.receive) == received.npos) {
    if (received.size() > max_received_bytes) co_return check_result::unreachable;
    auto read = co_await stream.async_read_some(asio::buffer(piece), use_await);
    auto& [ec, size] = read;
    if (ec) co_return check_result::unreachable;
    received.append(piece, size);
  }
  co_return check_result::pass;
}

}  // namespace

/// One check under way: what it needs, kept alive by its coroutine.
struct health_prober::probe {
  probe(asio::io_context& context) : stream{socket{context}}, limit{context} {}

  awaitable<check_result> run() {
    if (!where.endpoint) co_return check_result::unreachable;
    auto& plain = stream.plain();
    auto connected = co_await plain.async_connect(*where.endpoint, use_await);
    if (is_shortage(std::get<0>(connected))) co_return check_result::unmade;
    if (std::get<0>(connected)) co_return check_result::unreachable;
    const std::string request = check->is_http ? proxy::check_request(*check, host) : std::string{};
    if (!where.session) {
      if (check->is_http) co_return co_await ask_http(plain, *check, request);
      co_return co_await ask_tcp(plain, *check);
    }
    if (!where.tls) co_return check_result::unreachable;
    auto& tls = stream.add_tls(where.tls->context(), where.session);
    where.tls->prepare(tls.native_handle(), where.tls_name, *where.session);
    auto shaken = co_await tls.async_handshake(asio::ssl::stream_base::client, use_await);
    if (std::get<0>(shaken)) co_return check_result::unreachable;
    if (check->is_http) co_return co_await ask_http(tls, *check, request);
    co_return co_await ask_tcp(tls, *check);
  }

  /// Ends whatever is waited for.
  void close() {
    error_code ignored;
    stream.plain().close(ignored);
  }

  std::shared_ptr<const proxy::active_plan> pinned;
  std::shared_ptr<proxy::cluster_state> cluster;
  const plan::health_check* check = nullptr;
  resilience::host_id id = resilience::no_host;
  std::string host;
  socket_address where;
  socket_stream stream;
  timer limit;
};

health_prober::health_prober(asio::io_context& context, proxy::health_observer& observer,
                             base::random_source& random)
    : context_{context}, observer_{observer}, random_{random}, timer_{context} {}

health_prober::~health_prober() = default;

void health_prober::activate(std::shared_ptr<const proxy::active_plan> active,
                             std::shared_ptr<const tls_table> tls) {
  if (is_stopped_) return;
  active_ = std::move(active);
  addresses_.replace(std::move(tls));
  checked_.clear();
  for (const auto& route : active_->configuration->routes)
    for (const auto& rule : route.rules)
      if (rule.check && rule.cluster.active_check)
        checked_.push_back({active_->clusters[rule.cluster_index], &rule});
  tick();
}

void health_prober::wait_ready(std::function<void()> ready) {
  ready_ = std::move(ready);
  tell_if_ready();
}

void health_prober::stop() {
  is_stopped_ = true;
  timer_.cancel();
  for (const auto& weak : running_)
    if (const auto one = weak.lock()) {
      one->limit.cancel();
      one->close();
    }
}

void health_prober::tell_if_ready() {
  if (!ready_) return;
  for (const auto& c : checked_)
    if (!c.cluster->locked([](auto& cluster) { return cluster.is_checked(); })) return;
  asio::post(context_, std::exchange(ready_, nullptr));
}

void health_prober::tick() {
  if (is_stopped_ || checked_.empty()) return;
  std::erase_if(running_, [](const auto& weak) { return weak.expired(); });
  const auto now = base::clock::now();
  auto next = base::time_point::max();
  for (const auto& c : checked_) {
    const auto due =
        c.cluster->locked([&](auto& cluster) { return cluster.take_due_checks(now, random_); });
    for (const auto& d : due) begin(c, d);
    next = std::min(next, c.cluster->locked([](auto& cluster) { return cluster.next_check(); }));
  }
  const auto nap =
      next == base::time_point::max()
          ? base::duration{longest_nap}
          : std::clamp<base::duration>(next - now, std::chrono::milliseconds{1}, longest_nap);
  timer_.expires_after(nap);
  timer_.async_wait([this](error_code ec) {
    if (!ec) tick();
  });
}

void health_prober::begin(const checked_cluster& of, const resilience::due_check& due) {
  const auto known = of.cluster->host(due.host, due.locality);
  const auto& backend = of.rule->backends[due.locality];
  auto one = std::make_shared<probe>(context_);
  one->pinned = active_;
  one->cluster = of.cluster;
  one->check = &*of.rule->check;
  one->id = due.host;
  one->host = proxy::check_host(*one->check, backend.targets[known.target], due.address);
  one->where =
      addresses_.address_of(backend, known.target, proxy::check_address(*one->check, due.address));
  running_.push_back(one);
  one->limit.expires_after(of.rule->cluster.active_check->timeout);
  one->limit.async_wait([weak = std::weak_ptr<probe>{one}](error_code ec) {
    const auto late = weak.lock();
    if (!ec && late) late->close();
  });
  asio::co_spawn(context_, one->run(),
                 [this, one](std::exception_ptr escaped, check_result result) {
                   finish(*one, escaped ? check_result::unreachable : result);
                 });
}

void health_prober::finish(probe& done, check_result result) {
  done.limit.cancel();
  if (is_stopped_) return;
  std::vector<resilience::health_event> events;
  done.cluster->locked([&](auto& cluster) {
    cluster.report_check(done.id, result, base::clock::now());
    events = cluster.take_events();
  });
  if (!events.empty()) observer_.on_health(done.cluster, std::move(events));
  tell_if_ready();
}

}  // namespace understudy::net
