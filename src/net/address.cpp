#include <understudy/net/address.hpp>

#include <boost/asio/ip/address.hpp>

namespace understudy::net {

bool is_ip_address(const std::string& text) {
  boost::system::error_code ec;
  boost::asio::ip::make_address(text, ec);
  return !ec;
}

bool is_loopback_address(const std::string& text) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(text, ec);
  return !ec && address.is_loopback();
}

}  // namespace understudy::net
