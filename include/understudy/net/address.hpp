#pragma once
#include <string>

namespace understudy::net {

/// An IPv4 or IPv6 address in its text form, without brackets or port.
bool is_ip_address(const std::string& text);
/// 127.0.0.0/8 or ::1; false for anything that is no address.
bool is_loopback_address(const std::string& text);

}  // namespace understudy::net
