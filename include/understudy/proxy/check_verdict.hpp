#pragma once
#include <string>
#include <string_view>

#include <understudy/plan/plan.hpp>
#include <understudy/resilience/active_check.hpp>

namespace understudy::proxy {

/// How much of a body is looked at for `expectedResponse`.
inline constexpr std::size_t checked_body_bytes = 1024;

/// The answer to an HTTP check, as a result (spec/resilience.md §4): the body first, then the
/// status; an expected status that is retriable too is a pass.
resilience::check_result check_verdict(const plan::health_check& check, int status,
                                       std::string_view body);

/// Head and body of an HTTP check. `host`: Host field.
std::string check_request(const plan::health_check& check, std::string_view host);

/// Host of a check: as written, else the endpoint's name, the route's, the address.
std::string_view check_host(const plan::health_check& check, const plan::target& target,
                            std::string_view address);

/// The address to check: the serving one, or the same with `overrides.port`.
std::string check_address(const plan::health_check& check, std::string_view address);

}  // namespace understudy::proxy
