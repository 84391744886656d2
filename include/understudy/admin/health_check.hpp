#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::admin {

struct health {
  bool is_good = false;  ///< the answer was 200
  std::string text;      ///< what to print
};

/// Asks a running process, for `understudy healthcheck`; blocks up to `timeout`. An unspecified
/// address (0.0.0.0, ::) is asked on loopback.
health fetch_health(boost::asio::ip::tcp::endpoint address, std::string_view path = "/health",
                    std::string_view token = {},
                    std::chrono::milliseconds timeout = std::chrono::seconds{3});

/// The same; `host` is an IP address.
health fetch_health(const std::string& host, std::uint16_t port, std::string_view path,
                    std::string_view token);

}  // namespace understudy::admin
