#include <understudy/credentials/http_fetch.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>
#include <vector>

namespace understudy::credentials {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using executor = asio::io_context::executor_type;
using tcp = asio::ip::tcp;
using stream = beast::basic_stream<tcp, executor>;
using fetch_result = base::result<http_reply, std::string>;

constexpr std::size_t max_body_bytes = 64U * 1024;
constexpr std::size_t piece_bytes = 8U * 1024;
constexpr std::size_t max_buffered_bytes = max_body_bytes + piece_bytes;

std::string describe(const char* phase, const http_call& call, error_code ec) {
  const bool is_timeout = ec == beast::error::timeout || ec == asio::error::operation_aborted;
  return std::string{phase} + " " + authority(call) + ": " +
         (is_timeout ? std::string{"timed out"} : ec.message());
}

std::string written_out(const http_call& call) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(call.method);
  request.target(call.target);
  request.set(http::field::host, authority(call));
  request.set(http::field::user_agent, "understudy");
  request.set(http::field::connection, "close");
  for (const auto& f : call.fields) request.set(f.name, f.value);
  request.body() = call.body;
  request.prepare_payload();
  std::ostringstream out;
  out << request;
  return std::move(out).str();
}

/// Beast's own operations would do the same, at ten seconds of compile time a stream.
template <class Stream>
awaitable<fetch_result> talk(Stream& to, const http_call& call) {
  const std::string request = written_out(call);
  auto written = co_await asio::async_write(to, asio::buffer(request), use_await);
  if (std::get<0>(written)) co_return describe("sending to", call, std::get<0>(written));

  http::response_parser<http::string_body> parser;
  parser.body_limit(max_body_bytes);
  parser.eager(true);
  beast::flat_buffer buffer{max_buffered_bytes};
  while (!parser.is_done()) {
    auto read = co_await to.async_read_some(buffer.prepare(piece_bytes), use_await);
    auto [ec, size] = read;
    buffer.commit(size);
    if (ec == asio::error::eof) {
      ec = {};
      if (parser.got_some()) parser.put_eof(ec);
      if (!ec && !parser.is_done()) ec = http::error::end_of_stream;
    } else if (!ec) {
      buffer.consume(parser.put(buffer.data(), ec));
      if (ec == http::error::need_more) ec = {};
      if (!ec && buffer.size() >= max_body_bytes) ec = http::error::buffer_overflow;
    }
    if (ec) co_return describe("the answer of", call, ec);
  }
  http_reply reply;
  reply.status = static_cast<int>(parser.get().result_int());
  reply.body = std::move(parser.get().body());
  co_return reply;
}

awaitable<fetch_result> talk_tls(stream plain, const http_call& call) {
  asio::ssl::context context{asio::ssl::context::tls_client};
  error_code ec;
  context.set_default_verify_paths(ec);
  asio::ssl::stream<stream> secure{std::move(plain), context};
  secure.set_verify_mode(asio::ssl::verify_peer, ec);
  secure.set_verify_callback(asio::ssl::host_name_verification{call.host}, ec);
  if (SSL_set_tlsext_host_name(secure.native_handle(), call.host.c_str()) != 1)
    co_return std::string{"TLS cannot be set up"};
  auto shaken = co_await secure.async_handshake(asio::ssl::stream_base::client, use_await);
  if (std::get<0>(shaken)) co_return describe("TLS with", call, std::get<0>(shaken));
  co_return co_await talk(secure, call);
}

awaitable<base::result<std::vector<tcp::endpoint>, std::string>> look_up(asio::io_context& context,
                                                                         const http_call& call) {
  error_code ec;
  const auto address =
      asio::ip::make_address(call.connect_host.empty() ? call.host : call.connect_host, ec);
  std::vector<tcp::endpoint> endpoints;
  if (!ec) {
    endpoints.emplace_back(address, call.connect_host.empty() ? call.port : call.connect_port);
    co_return endpoints;
  }
  asio::ip::basic_resolver<tcp, executor> resolver{context.get_executor()};
  auto resolved = co_await resolver.async_resolve(call.host, std::to_string(call.port), use_await);
  if (std::get<0>(resolved)) co_return describe("looking up", call, std::get<0>(resolved));
  for (const auto& entry : std::get<1>(resolved)) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

}  // namespace

awaitable<fetch_result> fetch(asio::io_context& context, http_call call) {
  auto endpoints = co_await look_up(context, call);
  if (!endpoints) co_return endpoints.error();
  stream plain{context.get_executor()};
  plain.expires_after(call.timeout);  // once: it holds for everything that follows
  error_code last = asio::error::host_not_found;
  for (const auto& endpoint : *endpoints) {
    auto connected = co_await plain.async_connect(endpoint, use_await);
    last = std::get<0>(connected);
    if (!last || last == beast::error::timeout) break;
  }
  if (last) co_return describe("connecting to", call, last);
  if (call.is_tls) co_return co_await talk_tls(std::move(plain), call);
  co_return co_await talk(plain, call);
}

}  // namespace understudy::credentials
