#pragma once
#include <understudy/config/kinds/common.hpp>

/// Parts of a BackendTrafficPolicy that are kinds of their own size.
namespace understudy::config {

struct consistent_hash_spec {
  located<std::string> type;
  std::vector<located<std::string>> names;  ///< headers, the cookie, or query parameters
  located<milliseconds> cookie_ttl;
  std::map<std::string, located<std::string>> cookie_attributes;
  located<std::uint32_t> table_size{65'537};
};

struct backend_utilization_spec {
  located<milliseconds> blackout{milliseconds{10'000}};
  located<milliseconds> expiration{milliseconds{180'000}};
  located<milliseconds> update{milliseconds{1'000}};
  located<std::uint32_t> penalty_percent{0};
  std::vector<located<std::string>> metrics;
  located<bool> keeps_headers{false};
};

struct load_balancer_spec {
  located<std::string> type{"LeastRequest"};
  std::optional<consistent_hash_spec> hash;
  std::optional<backend_utilization_spec> utilization;
  located<milliseconds> slow_start;
};

/// Text or bytes of a check; `bytes` is decoded.
struct check_payload_spec {
  located<std::string> type, bytes;
};

struct http_check_spec {
  located<std::string> path, method{"GET"}, hostname;
  std::vector<located<int>> expected, retriable;
  std::optional<check_payload_spec> response, body;
};

struct tcp_check_spec {
  std::optional<check_payload_spec> send, receive;
};

struct active_health_spec {
  located<std::string> type;
  located<milliseconds> timeout{milliseconds{1'000}};
  located<milliseconds> interval{milliseconds{3'000}};
  located<milliseconds> initial_jitter;
  located<std::uint32_t> unhealthy_threshold{3}, healthy_threshold{1};
  std::optional<http_check_spec> http;
  std::optional<tcp_check_spec> tcp;
  located<std::uint16_t> port;  ///< overrides.port
  position at;
};

}  // namespace understudy::config
