#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace understudy::credentials {

/// A coroutine of the control thread's event loop.
template <class T>
using awaitable = boost::asio::awaitable<T, boost::asio::io_context::executor_type>;

/// Completion as a tuple that begins with the error_code: nothing throws.
inline constexpr auto use_await =
    boost::asio::as_tuple(boost::asio::use_awaitable_t<boost::asio::io_context::executor_type>{});

}  // namespace understudy::credentials
