#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/credentials/aws_keys.hpp>

namespace understudy::credentials {

/// One request to a credentials service, as a value: made by pure code, sent by http_fetch.
struct http_call {
  std::string method = "GET";
  bool is_tls = false;
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = 80;
  std::string target = "/";
  std::vector<codec::owned_field> fields;
  std::string body = {};
  std::chrono::milliseconds timeout{2'000};  ///< for all of it
  std::string connect_host = {};             ///< an address to connect to instead; empty: none
  std::uint16_t connect_port = 0;
};

struct http_reply {
  int status = 0;
  std::string body;
};

/// `http://host[:port][/path]` or https. No user information, no fragment.
base::result<http_call, failure> parse_url(std::string_view url);

/// Loopback by its name or address.
bool is_loopback(std::string_view host);
/// The same for what carries secrets: https, or http to loopback.
base::result<http_call, failure> parse_secure_url(std::string_view url);

/// The Host field of the call: with the port where it is not the scheme's own.
std::string authority(const http_call& call);

/// `name=value&…`, escaped.
using form = std::vector<std::pair<std::string_view, std::string_view>>;
std::string form_text(const form& pairs);
/// A POST of the form, which asks for JSON.
void set_form(http_call& call, const form& pairs);

/// Fit to be sent in a header field: visible ASCII, not empty.
bool is_visible(std::string_view text);

}  // namespace understudy::credentials
