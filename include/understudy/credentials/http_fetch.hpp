#pragma once
#include <string>

#include <understudy/base/result.hpp>
#include <understudy/credentials/awaitable.hpp>
#include <understudy/credentials/http_call.hpp>

namespace understudy::credentials {

/// Sends the call on a fresh connection and reads the answer (at most 64 KiB), all within the
/// call's timeout. No redirects, no proxies. TLS is verified against the system's CA store.
/// The error is a text without secrets. Control thread only.
awaitable<base::result<http_reply, std::string>> fetch(boost::asio::io_context& context,
                                                       http_call call);

}  // namespace understudy::credentials
