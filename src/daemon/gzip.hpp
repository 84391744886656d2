#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace understudy::daemon {

/// `text` as one gzip member (RFC 1952).
std::optional<std::string> gzip(std::string_view text);

}  // namespace understudy::daemon
