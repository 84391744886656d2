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
  std::chrono::milliseconds timeout{2'000};  ///< for all of it
};

struct http_reply {
  int status = 0;
  std::string body;
};

/// `http://host[:port][/path]` or https. No user information, no fragment.
base::result<http_call, failure> parse_url(std::string_view url);

}  // namespace understudy::credentials
