#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

/// Asio with the executor named: one io_context, one thread, no strands.
namespace understudy::demo {

namespace asio = boost::asio;
using executor = asio::io_context::executor_type;
using tcp = asio::ip::tcp;
using socket = asio::basic_stream_socket<tcp, executor>;
using acceptor = asio::basic_socket_acceptor<tcp, executor>;
using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;
template <class T = void>
using task = asio::awaitable<T, executor>;
inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable_t<executor>{});

}  // namespace understudy::demo
