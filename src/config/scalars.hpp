#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/config/suggest.hpp>

/// Text of the YAML to values, and the checks that several kinds share. All pure.
namespace understudy::config {

/// GEP-2257: `^([0-9]{1,5}(h|m|s|ms)){1,4}$`.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// Kubernetes quantity of bytes: `32768`, `50Mi`, `1G`; nothing when it is none or too large.
std::optional<std::uint64_t> parse_quantity(std::string_view text);
/// RFC 3339 to unix seconds.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);
/// RFC 4648 with padding; white space between the letters is skipped.
std::optional<std::string> decode_base64(std::string_view text);

bool is_number_like(std::string_view text);  ///< a plain scalar of it would be no string
bool is_ip_address(std::string_view text);

// Checks for text fields: empty when all is well, else what is wrong and what to write.
std::string check_object_name(std::string_view text);
std::string check_label(std::string_view text);             ///< namespaces, section names
std::string check_hostname_pattern(std::string_view text);  ///< may start with `*.`
std::string check_fqdn(std::string_view text);
std::string check_ip(std::string_view text);
std::string check_header_name(std::string_view text);
std::string check_path(std::string_view text);

}  // namespace understudy::config
