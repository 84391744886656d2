#include <understudy/net/head_reader.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <optional>

#include <understudy/codec/plain_head.hpp>

namespace understudy::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

std::string_view view(string_view text) { return {text.data(), text.size()}; }

/// Beast's parser without its container: fields go straight into ours. Only ever given one
/// complete head, so every body callback is unreachable.
template <bool IsRequest, class Head>
class field_splitter final : public http::basic_parser<IsRequest> {
 public:
  field_splitter(Head& head, std::size_t max_fields) : head_{head}, max_fields_{max_fields} {}
  bool has_too_many() const { return has_too_many_; }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    if constexpr (IsRequest) {
      head_.method = view(method);
      head_.target = view(target);
      head_.version = version;
    }
  }
  void on_response_impl(int code, string_view reason, int version, error_code&) override {
    if constexpr (!IsRequest) {
      head_.status = code;
      head_.reason = view(reason);
      head_.version = version;
    }
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
    if (head_.fields.size() >= max_fields_) {
      has_too_many_ = true;
      ec = http::error::header_limit;
      return;
    }
    head_.fields.add(view(name), view(value));
  }
#if BOOST_BEAST_VERSION >= 359
  void on_trailer_field_impl(http::field, string_view, string_view, error_code&) override {}
#endif
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  Head& head_;
  std::size_t max_fields_;
  bool has_too_many_ = false;
};

/// Looks for the empty line, one line at a time. Every line must end with CRLF and no line but
/// the first may begin with white space.
head_result find_end(std::string_view input, std::size_t& scanned) {
  std::size_t line = scanned;
  while (line < input.size()) {
    const void* at = std::memchr(input.data() + line, '\n', input.size() - line);
    if (at == nullptr) break;
    const auto lf = static_cast<std::size_t>(static_cast<const char*>(at) - input.data());
    if (lf == line || input[lf - 1] != '\r')
      return {head_status::malformed, 0, "a line that does not end with CRLF"};
    if (lf == line + 1) return {head_status::complete, lf + 1, {}};
    if (line != 0 && (input[line] == ' ' || input[line] == '\t'))
      return {head_status::malformed, 0, "a folded header line"};
    line = lf + 1;
    scanned = line;
  }
  return {head_status::partial, 0, {}};
}

/// `GET /path HTTP/2.0` is of another version; with anything else in that place it is no request.
bool names_version(std::string_view head) {
  const auto line = head.substr(0, head.find('\r'));
  const auto space = line.find(' ');
  const auto next = space == line.npos ? line.npos : line.find(' ', space + 1);
  if (next == line.npos) return false;
  const auto version = line.substr(next + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
         version[6] == '.' && is_digit(version[7]) && version != "HTTP/1.1";
}

std::size_t split_plain(std::string_view input, const head_limits& limits,
                        codec::request_head& head) {
  return codec::split_plain_request(input, limits.max_bytes, limits.max_fields, head);
}

std::size_t split_plain(std::string_view input, const head_limits& limits,
                        codec::response_head& head) {
  return codec::split_plain_response(input, limits.max_bytes, limits.max_fields, head);
}

template <bool IsRequest, class Head>
head_result split(std::string_view input, const head_limits& limits, std::size_t& scanned,
                  Head& head) {
  if (scanned == 0) {
    const auto size = split_plain(input, limits, head);
    if (size != 0) return {head_status::complete, size, {}};
  }
  head_result found = find_end(input, scanned);
  if (found.status == head_status::malformed) return found;
  const std::size_t size = found.status == head_status::complete ? found.size : input.size();
  if (size > limits.max_bytes) return {head_status::too_large, 0, "the header is too large"};
  if (found.status == head_status::partial) return found;

  head.fields.clear();
  field_splitter<IsRequest, Head> splitter{head, limits.max_fields};
  splitter.eager(false);
  splitter.skip(true);
  splitter.header_limit(static_cast<std::uint32_t>(limits.max_bytes + 1));
  splitter.body_limit(boost::none);
  error_code ec;
  splitter.put(boost::asio::const_buffer{input.data(), found.size}, ec);
  if (splitter.has_too_many()) return {head_status::too_large, 0, "too many header fields"};
  if (ec == http::error::bad_version && (!IsRequest || names_version(input)))
    return {head_status::bad_version, 0, "HTTP version"};
  if (ec || !splitter.is_header_done()) return {head_status::malformed, 0, "malformed header"};
  return found;
}

void forget(codec::request_head& head) { head.method = head.target = {}; }
void forget(codec::response_head& head) { head.reason = {}; }

/// The buffer moves while an incomplete head grows: no view of it may be left behind.
template <bool IsRequest, class Head>
head_result read_head(std::string_view input, const head_limits& limits, std::size_t& scanned,
                      Head& head) {
  const auto found = split<IsRequest>(input, limits, scanned, head);
  if (found.status != head_status::complete) {
    forget(head);
    head.fields.clear();
  }
  return found;
}

}  // namespace

head_result read_request_head(std::string_view input, const head_limits& limits,
                              std::size_t& scanned, codec::request_head& head) {
  return read_head<true>(input, limits, scanned, head);
}

head_result read_response_head(std::string_view input, const head_limits& limits,
                               std::size_t& scanned, codec::response_head& head) {
  return read_head<false>(input, limits, scanned, head);
}

}  // namespace understudy::net
