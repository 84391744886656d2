#pragma once
#include <string>
#include <string_view>
#include <variant>

#include <understudy/base/result.hpp>
#include <understudy/credentials/aws_keys.hpp>
#include <understudy/credentials/http_call.hpp>

namespace understudy::credentials {

/// The three requests of IMDSv2: session token, name of the role, keys of the role. Version 1
/// (without a token) is not spoken. Pure: replies come in, the next call or the end goes out.
class imds_exchange {
 public:
  explicit imds_exchange(http_call endpoint);

  http_call start() const;

  using step = std::variant<http_call, aws_keys, std::string>;  ///< the text: it has failed
  step on_reply(const http_reply& reply);

 private:
  http_call get(std::string target) const;
  step on_token(const http_reply& reply);
  step on_role(const http_reply& reply);
  step on_keys(const http_reply& reply);

  enum class phase { token, role, keys };
  http_call endpoint_;
  phase phase_ = phase::token;
  std::string token_;
};

}  // namespace understudy::credentials
