#include <understudy/admin/health_check.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <charconv>

namespace understudy::admin {
namespace {

namespace asio = boost::asio;

/// The status of an answer's first line; 0: it is no HTTP.
int status_in(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return 0;
  int status = 0;
  const auto [end, ec] = std::from_chars(line.data() + 9, line.data() + 12, status);
  return ec == std::errc{} && end == line.data() + 12 ? status : 0;
}

}  // namespace

health fetch_health(asio::ip::tcp::endpoint address, std::string_view path, std::string_view token,
                    std::chrono::milliseconds timeout) {
  if (address.address().is_unspecified()) {
    const bool is_v4 = address.address().is_v4();
    address.address(is_v4 ? asio::ip::address{asio::ip::address_v4::loopback()}
                          : asio::ip::address{asio::ip::address_v6::loopback()});
  }
  asio::ip::tcp::iostream stream;
  stream.expires_after(timeout);
  stream.connect(address);
  stream << "GET " << path << " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
  if (!token.empty()) stream << "authorization: Bearer " << token << "\r\n";
  stream << "\r\n" << std::flush;
  char line[12];  // up to the status
  stream.read(line, sizeof line);
  const int status = status_in({line, static_cast<std::size_t>(stream.gcount())});
  if (status != 0) return {status == 200, std::to_string(status)};
  const auto ec = stream.error();
  if (ec == asio::error::timed_out || ec == asio::error::operation_aborted)
    return {false, "timed out"};
  return {false, ec && ec != asio::error::eof ? ec.message() : "no HTTP in the answer"};
}

health fetch_health(const std::string& host, std::uint16_t port, std::string_view path,
                    std::string_view token) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(host, ec);
  if (ec) return {false, host + " is not an IP address"};
  return fetch_health(boost::asio::ip::tcp::endpoint{address, port}, path, token);
}

}  // namespace understudy::admin
