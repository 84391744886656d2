#include <understudy/proxy/check_verdict.hpp>

#include <algorithm>

namespace understudy::proxy {

using resilience::check_result;

check_result check_verdict(const plan::health_check& check, int status, std::string_view body) {
  if (body.substr(0, checked_body_bytes).find(check.expected_response) == body.npos)
    return check_result::mismatch;
  if (std::ranges::binary_search(check.expected, status)) return check_result::pass;
  return std::ranges::binary_search(check.retriable, status) ? check_result::retriable
                                                             : check_result::mismatch;
}

std::string check_request(const plan::health_check& check, std::string_view host) {
  std::string out = check.method + " " + check.path + " HTTP/1.1\r\nhost: ";
  out.append(host).append("\r\nuser-agent: understudy/check\r\nconnection: close\r\n");
  if (!check.request_body.empty())
    out += "content-length: " + std::to_string(check.request_body.size()) + "\r\n";
  return out + "\r\n" + check.request_body;
}

std::string_view check_host(const plan::health_check& check, const plan::target& target,
                            std::string_view address) {
  if (!check.hostname.empty()) return check.hostname;
  if (!target.hostname.empty()) return target.hostname;
  if (target.kind == plan::target_kind::fqdn) return target.host;
  return check.route_hostname.empty() ? address : check.route_hostname;
}

std::string check_address(const plan::health_check& check, std::string_view address) {
  const auto colon = address.rfind(':');
  if (check.port == 0 || address.starts_with("unix:") || colon == address.npos)
    return std::string{address};
  return std::string{address.substr(0, colon + 1)} + std::to_string(check.port);
}

}  // namespace understudy::proxy
