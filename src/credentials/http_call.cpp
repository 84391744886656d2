#include <understudy/credentials/http_call.hpp>

#include <algorithm>
#include <charconv>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

namespace understudy::credentials {
namespace {

bool is_clean(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
}

}  // namespace

bool is_visible(std::string_view text) { return !text.empty() && is_clean(text); }

bool is_loopback(std::string_view host) {
  if (base::iequals(host, "localhost") || host == "::1") return true;
  // A whole IPv4 address of 127/8, not a name such as 127.example.com.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

base::result<http_call, failure> parse_secure_url(std::string_view url) {
  auto call = parse_url(url);
  if (call && !call->is_tls && !is_loopback(call->host))
    return failure{"plain HTTP is allowed to loopback only; use https"};
  return call;
}

std::string authority(const http_call& call) {
  const bool is_v6 = call.host.find(':') != std::string::npos;
  std::string text = is_v6 ? "[" + call.host + "]" : call.host;
  if (call.port != (call.is_tls ? 443 : 80)) text += ":" + std::to_string(call.port);
  return text;
}

std::string form_text(const form& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(codec::uri_escape(name, false)).append("=");
    out.append(codec::uri_escape(value, false));
  }
  return out;
}

void set_form(http_call& call, const form& pairs) {
  call.method = "POST";
  call.fields.push_back({"content-type", "application/x-www-form-urlencoded"});
  call.fields.push_back({"accept", "application/json"});
  call.body = form_text(pairs);
}

base::result<http_call, failure> parse_url(std::string_view url) {
  http_call call;
  const auto error = [](const char* what) { return failure{what}; };
  if (!is_clean(url)) return error("the URL has blanks or unprintable characters");
  if (base::istarts_with(url, "https://")) {
    call.is_tls = true;
    call.port = 443;
    url.remove_prefix(8);
  } else if (base::istarts_with(url, "http://")) {
    url.remove_prefix(7);
  } else {
    return error("the URL begins neither http:// nor https://");
  }
  const auto slash = url.find_first_of("/?#");
  auto authority = url.substr(0, slash);
  if (slash != std::string_view::npos) {
    const auto rest = url.substr(slash, url.find('#', slash) - slash);
    call.target = (rest.starts_with('/') ? "" : "/") + std::string{rest};
  }
  if (authority.find('@') != std::string_view::npos) return error("the URL has user information");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return error("the URL's IPv6 address has no ]");
    call.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const auto colon = authority.find(':');
    call.host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
  }
  if (call.host.empty()) return error("the URL has no host");
  if (!port.empty()) {
    const char* last = port.data() + port.size();
    const auto parsed = std::from_chars(port.data() + 1, last, call.port);
    if (port[0] != ':' || parsed.ec != std::errc{} || parsed.ptr != last || call.port == 0)
      return error("the URL's port is not a number from 1 to 65535");
  }
  return call;
}

}  // namespace understudy::credentials
