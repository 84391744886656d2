#pragma once
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/credentials/aws_keys.hpp>
#include <understudy/credentials/http_call.hpp>

/// AWS Security Token Service, API 2011-06-15: requests made, answers read. Pure.
namespace understudy::credentials {

/// A role to assume and who is asked for it.
struct sts_role {
  std::string arn;
  std::string session_name;
  std::string external_id;  ///< may be empty
  std::string region;
  http_call endpoint;
};

/// `sts.REGION.amazonaws.com`, or `override_url` (AWS_ENDPOINT_URL_STS) where not empty.
base::result<http_call, failure> sts_endpoint(std::string_view region,
                                              std::string_view override_url);

/// AssumeRoleWithWebIdentity: not signed, the token speaks for itself.
http_call web_identity_call(const sts_role& role, std::string_view token);
/// AssumeRole, signed with `keys`.
http_call assume_role_call(const sts_role& role, const aws_keys& keys, base::wall_time now);

/// The keys in the answer to either. The error names STS's error code and quotes nothing else.
base::result<aws_keys, failure> parse_sts_reply(const http_reply& reply);

}  // namespace understudy::credentials
