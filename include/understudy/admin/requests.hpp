#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/telemetry/story_book.hpp>

namespace understudy::admin {

struct filter_error {
  std::string message;  ///< names the filters there are
};

/// The filters of GET /requests, out of a query string.
base::result<telemetry::story_filter, filter_error> parse_filter(std::string_view query);

/// The document of GET /requests: one line's worth each, newest first.
std::string requests_json(const std::vector<telemetry::request_story>& stories, std::size_t kept);

/// The document of GET /requests/ID: every attempt and every decision, with the configuration line
/// that made it.
std::string story_json(const telemetry::request_story& story);

}  // namespace understudy::admin
