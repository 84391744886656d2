#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <understudy/admin/hooks.hpp>

namespace understudy::admin {

/// What of a request the admin paths look at; empty where the field is absent.
struct request {
  std::string_view client;  ///< its address
  std::string_view method;
  std::string_view target;
  std::string_view host;
  std::string_view authorization;
  std::string_view accept;
  std::string_view origin;
  std::string_view fetch_site;  ///< `sec-fetch-site`
  std::string_view last_event_id;
};

struct reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;                    ///< with 405
  std::string content_security_policy;  ///< with a page
  bool is_event_stream = false;         ///< the server goes on with the events
  std::uint64_t events_after = 0;
};

/// The whole of the admin listener but its sockets. `token`, where not empty, must come as
/// `authorization: Bearer …`. Without one, requests by another host name than an address or
/// localhost are refused (DNS rebinding), and actions asked for by other sites' pages always.
reply answer(const request& r, std::string_view token, const hooks& h);

/// Takes the same time wherever the difference is.
bool is_same_secret(std::string_view a, std::string_view b);
/// An IP address, `localhost` or a name below it, with or without a port.
bool is_local_name(std::string_view host);

}  // namespace understudy::admin
