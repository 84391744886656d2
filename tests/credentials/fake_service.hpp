#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace understudy::credentials::tests {

/// A credentials service on a loopback port, on the test's own io_context.
class fake_service {
 public:
  using request = boost::beast::http::request<boost::beast::http::string_body>;
  struct reply {
    unsigned status = 200;
    std::string body;
    bool is_silent = false;  ///< never answers
  };
  using handler = std::function<reply(const request&)>;

  fake_service(boost::asio::io_context& context, handler answer)
      : answer_{std::move(answer)},
        acceptor_{context, {boost::asio::ip::address_v4::loopback(), 0}} {
    accept();
  }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  /// `METHOD target` of each request so far.
  std::vector<std::string> seen;

 private:
  struct session {
    explicit session(boost::asio::ip::tcp::socket s) : socket{std::move(s)} {}
    boost::asio::ip::tcp::socket socket;
    boost::beast::flat_buffer buffer;
    request in;
    boost::beast::http::response<boost::beast::http::string_body> out;
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code ec, boost::asio::ip::tcp::socket s) {
      if (ec) return;
      serve(std::make_shared<session>(std::move(s)));
      accept();
    });
  }

  void serve(const std::shared_ptr<session>& s) {
    sessions_.push_back(s);
    boost::beast::http::async_read(s->socket, s->buffer, s->in,
                                   [this, s](boost::system::error_code ec, std::size_t) {
                                     if (!ec) answer(s);
                                   });
  }

  void answer(const std::shared_ptr<session>& s) {
    seen.push_back(std::string{s->in.method_string()} + " " + std::string{s->in.target()});
    const auto made = answer_(s->in);
    if (made.is_silent) return;
    s->out.result(made.status);
    s->out.body() = made.body;
    s->out.prepare_payload();
    boost::beast::http::async_write(s->socket, s->out,
                                    [s](boost::system::error_code, std::size_t) {});
  }

  handler answer_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<std::shared_ptr<session>> sessions_;
};

}  // namespace understudy::credentials::tests
