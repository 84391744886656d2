#pragma once
#include <understudy/config/kinds/common.hpp>

namespace understudy::config {

struct gateway_listener {
  located<std::string> name, protocol, hostname;
  located<std::uint16_t> port;
  std::vector<object_ref> certificates;
  located<std::string> routes_from{"Same"};
  position at;
};

/// Gateway of gateway.networking.k8s.io/v1.
struct gateway {
  object_header header;
  std::vector<gateway_listener> listeners;
};

struct http_path_match {
  located<std::string> type{"PathPrefix"};
  located<std::string> value{"/"};
};

struct http_match {
  std::optional<http_path_match> path;
  std::vector<header_match_spec> headers;
  std::vector<header_match_spec> query;
  located<std::string> method;
};

struct http_header_filter {
  std::vector<name_value> set;
  std::vector<located<std::string>> remove;
};

struct http_backend_ref {
  located<std::string> group, kind{"Service"}, name, name_space;
  located<std::uint32_t> weight{1};
  position at;
};

struct http_retry {
  located<std::uint32_t> attempts{2};
  std::vector<located<int>> codes;
  located<milliseconds> backoff;
  position at;
};

/// Name and lifetime of HTTPRoute `sessionPersistence`.
struct session_persistence_spec {
  located<std::string> name, type{"Cookie"}, lifetime{"Session"};
  located<milliseconds> absolute_timeout;
  position at;
};

struct http_rule {
  located<std::string> name;
  std::vector<http_match> matches;
  http_header_filter request_headers, response_headers;
  std::vector<http_backend_ref> backends;
  located<milliseconds> request, backend_request;
  std::optional<http_retry> retry;
  std::optional<session_persistence_spec> session;
  position at;
};

/// HTTPRoute of gateway.networking.k8s.io/v1: plain proxying, no look into bodies.
struct http_route {
  object_header header;
  std::vector<target_ref> parents;
  std::vector<located<std::string>> hostnames;
  std::vector<http_rule> rules;
};

}  // namespace understudy::config
