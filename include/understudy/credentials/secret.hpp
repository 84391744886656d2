#pragma once
#include <memory>
#include <variant>

#include <understudy/credentials/aws_keys.hpp>

namespace understudy::credentials {

/// A token that is sent as it is, `authorization: Bearer …`. Never printed.
struct bearer_token {
  std::string value;
  std::optional<base::wall_time> expires;  ///< absent: not told

  bool is_alive(base::wall_time now) const { return !expires || now < *expires; }
  bool operator==(const bearer_token&) const = default;
};

/// What a credential comes to: keys that sign, or a token.
using secret = std::variant<aws_keys, bearer_token>;

inline bool is_alive(const secret& s, base::wall_time now) {
  return std::visit([now](const auto& one) { return one.is_alive(now); }, s);
}
inline std::optional<base::wall_time> expiry(const secret& s) {
  return std::visit([](const auto& one) { return one.expires; }, s);
}

}  // namespace understudy::credentials
