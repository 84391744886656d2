#include "daemon/gzip.hpp"

#include <boost/beast/zlib/deflate_stream.hpp>

#include <understudy/codec/crc32.hpp>

namespace understudy::daemon {
namespace {

void put_little_endian(std::string& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i, value >>= 8) out += static_cast<char>(value & 0xFFU);
}

}  // namespace

std::optional<std::string> gzip(std::string_view text) {
  namespace zlib = boost::beast::zlib;
  std::string out{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};  // deflate, no name, no time, any system
  const std::size_t head = out.size();
  zlib::deflate_stream deflate;
  out.resize(head + deflate.upper_bound(text.size()));
  zlib::z_params step;
  step.next_in = text.data();
  step.avail_in = text.size();
  step.next_out = out.data() + head;
  step.avail_out = out.size() - head;
  boost::system::error_code ec;
  deflate.write(step, zlib::Flush::finish, ec);
  if (ec != zlib::error::end_of_stream) return std::nullopt;
  out.resize(head + step.total_out);
  put_little_endian(out, codec::crc32(text));
  put_little_endian(out, static_cast<std::uint32_t>(text.size()));
  return out;
}

}  // namespace understudy::daemon
