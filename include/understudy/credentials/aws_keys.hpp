#pragma once
#include <optional>
#include <string>

#include <understudy/base/clock.hpp>

namespace understudy::credentials {

/// AWS access keys. Never printed.
struct aws_keys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;               ///< may be empty
  std::optional<base::wall_time> expires;  ///< absent: never

  bool is_alive(base::wall_time now) const { return !expires || now < *expires; }
  bool operator==(const aws_keys&) const = default;
};

/// Why there is no value, as a text without secrets. A type of its own: an aggregate that begins
/// with a string could be made from a plain one.
struct failure {
  std::string reason;
};

}  // namespace understudy::credentials
