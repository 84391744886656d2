#include <understudy/admin/health_check.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace understudy::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

/// Connect, write and read in turn; the first error ends it.
class probe {
 public:
  probe(asio::io_context& context, std::chrono::milliseconds timeout)
      : stream_{context.get_executor()} {
    stream_.expires_after(timeout);
    parser_.body_limit(1'024U * 1'024);
  }

  void start(const asio::ip::tcp::endpoint& address, std::string_view path,
             std::string_view token) {
    request_.version(11);
    request_.method(http::verb::get);
    request_.target(std::string{path});
    request_.set(http::field::host, "localhost");
    request_.set(http::field::connection, "close");
    if (!token.empty()) request_.set(http::field::authorization, "Bearer " + std::string{token});
    stream_.async_connect(address, [this](error_code ec) { is_failed(ec) ? void() : write(); });
  }

  health result() const { return result_; }

 private:
  bool is_failed(error_code ec) {
    if (ec) result_.text = ec == beast::error::timeout ? "timed out" : ec.message();
    return static_cast<bool>(ec);
  }
  void write() {
    http::async_write(stream_, request_,
                      [this](error_code ec, std::size_t) { is_failed(ec) ? void() : read(); });
  }
  void read() {
    http::async_read(stream_, buffer_, parser_, [this](error_code ec, std::size_t) {
      if (is_failed(ec)) return;
      const auto status = parser_.get().result_int();
      result_.is_good = status == 200;
      result_.text = std::to_string(status);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> parser_;
  health result_;
};

}  // namespace

health fetch_health(asio::ip::tcp::endpoint address, std::string_view path, std::string_view token,
                    std::chrono::milliseconds timeout) {
  if (address.address().is_unspecified()) {
    const bool is_v4 = address.address().is_v4();
    address.address(is_v4 ? asio::ip::address{asio::ip::address_v4::loopback()}
                          : asio::ip::address{asio::ip::address_v6::loopback()});
  }
  asio::io_context context{1};
  probe asked{context, timeout};
  asked.start(address, path, token);
  context.run();
  return asked.result();
}

health fetch_health(const std::string& host, std::uint16_t port, std::string_view path,
                    std::string_view token) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(host, ec);
  if (ec) return {false, host + " is not an IP address"};
  return fetch_health(boost::asio::ip::tcp::endpoint{address, port}, path, token);
}

}  // namespace understudy::admin
