#pragma once
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/credentials/aws_keys.hpp>

namespace understudy::credentials {

/// RFC 4648 §5, without padding.
std::string base64url(std::string_view bytes);

/// A JSON Web Token (RFC 7519) with RS256 over the two JSON texts. The key is PKCS #8 or PKCS #1
/// in PEM, not encrypted, 2048 bits at least.
base::result<std::string, failure> sign_jwt(std::string_view header, std::string_view claims,
                                            std::string_view private_key_pem);

}  // namespace understudy::credentials
