#pragma once
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/credentials/aws_keys.hpp>

namespace understudy::credentials {

/// `2026-01-02T03:04:05Z`, with a fraction or an offset where there is one.
std::optional<base::wall_time> parse_rfc3339(std::string_view text);

/// The JSON of the container endpoint and of the instance metadata service (AccessKeyId,
/// SecretAccessKey, Token, Expiration; Code where present must be `Success`). The error says what
/// is wrong without quoting the answer.
base::result<aws_keys, failure> parse_keys(std::string_view json);

}  // namespace understudy::credentials
