#pragma once
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <string>

namespace demo_test {

/// One request on a fresh connection; everything that comes back until the server closes, or empty
/// where the connection was refused. `Connection: close` is not understood by the simulated
/// providers, so the answer's end is looked for in the text.
inline std::string exchange(std::uint16_t port, const std::string& request,
                            const std::string& end) {
  boost::asio::io_context context;
  boost::asio::ip::tcp::socket socket{context};
  boost::system::error_code ec;
  socket.connect({boost::asio::ip::address_v4::loopback(), port}, ec);
  if (ec) return {};
  boost::asio::write(socket, boost::asio::buffer(request), ec);
  std::string got;
  char piece[4096];
  while (!ec && got.find(end) == std::string::npos) {
    const auto n = socket.read_some(boost::asio::buffer(piece), ec);
    got.append(piece, n);
  }
  return got;
}

inline std::string post(const std::string& path, const std::string& body,
                        const std::string& more_fields = {}) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more_fields + "\r\n" + body;
}

inline std::string signature() {
  return "Authorization: AWS4-HMAC-SHA256 "
         "Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, "
         "SignedHeaders=host;x-amz-date, Signature=00\r\nX-Amz-Date: 20260101T000000Z\r\n";
}

}  // namespace demo_test
