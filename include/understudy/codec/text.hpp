#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/clock.hpp>

/// Small encodings: base64, percent, hex, dates.
namespace understudy::codec {

std::string base64_encode(std::string_view bytes);
/// Standard alphabet with padding, no white space; anything else is nothing.
std::optional<std::string> base64_decode(std::string_view text);
bool is_base64(std::string_view text);

std::string hex(std::string_view bytes);  ///< lower case

/// One path segment as Go's url.PathEscape writes it: letters, digits and `-_.~$&+:=@` stay.
std::string path_escape(std::string_view segment);
/// RFC 3986: letters, digits and `-_.~` stay, and `/` where asked.
std::string uri_escape(std::string_view text, bool keeps_slash);

std::string amz_date(base::wall_time t);   ///< `20260102T030405Z`
std::string http_date(base::wall_time t);  ///< `Fri, 02 Jan 2026 03:04:05 GMT`
std::string rfc3339(base::wall_time t);    ///< `2026-01-02T03:04:05Z`
std::int64_t unix_seconds(base::wall_time t);

}  // namespace understudy::codec
