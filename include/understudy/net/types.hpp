#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

namespace understudy::net {

namespace asio = boost::asio;
using boost::system::error_code;

/// Executors are named, never type-erased: half the cost of a switch between coroutines.
using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
/// Operations are awaited directly, errors are values: `auto r = co_await op; auto& [ec] = r;`
using await_token = asio::as_tuple_t<asio::deferred_t>;
inline constexpr await_token use_await{};

/// TCP and unix sockets alike.
using socket = asio::basic_stream_socket<asio::generic::stream_protocol, executor>;
using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

}  // namespace understudy::net
