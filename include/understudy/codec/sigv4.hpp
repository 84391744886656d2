#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/codec/http.hpp>

/// AWS Signature Version 4 (spec/gateway-config.md §3): signed are host, x-amz-date and, with a
/// session token, x-amz-security-token. Pure; the time comes in.
namespace understudy::codec {

inline constexpr std::string_view bedrock_service = "bedrock";
/// The service that signs for a host: `bedrock-mantle` for Bedrock's hosts of that name, `bedrock`
/// for all others.
std::string_view bedrock_service_of(std::string_view hostname);

struct signing_request {
  std::string_view method;
  std::string_view host;     ///< as the Host field will be sent
  std::string_view target;   ///< path with query as sent, already percent-encoded
  std::string_view payload;  ///< the final body
};

struct aws_keys {
  std::string_view access_key_id;
  std::string_view secret_access_key;
  std::string_view session_token;  ///< may be empty
};

/// `authorization`, `x-amz-date` and `x-amz-security-token`, to replace what the request has.
std::vector<owned_field> sign(const signing_request& request, const aws_keys& keys,
                              std::string_view region, std::string_view service,
                              base::wall_time now);

/// The text whose hash is signed.
std::string canonical_request(const signing_request& request, std::string_view session_token,
                              std::string_view amz_date);

/// `us-west-2` of `bedrock-runtime.us-west-2.amazonaws.com` and its fips, vpce and api.aws forms,
/// and of `bedrock-mantle.us-west-2.api.aws`; nothing for other names.
std::optional<std::string> bedrock_region_of(std::string_view hostname);

}  // namespace understudy::codec
