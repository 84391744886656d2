#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/credentials/awaitable.hpp>
#include <understudy/credentials/host_access.hpp>
#include <understudy/credentials/secret.hpp>
#include <understudy/plan/credential.hpp>

/// One look-up of one credential, whoever must be asked for it: the composition of the pure parts
/// (aws_chain, sts, oidc, google) with fetch(). Control thread only.
namespace understudy::credentials {

struct found_secret {
  secret value;
  std::string where;       ///< in words, for logs
  bool is_reread = false;  ///< files that somebody may rewrite, or a token of unknown life
};
using looked_up = base::result<found_secret, failure>;

/// Does the credential need looking up at all? Static keys and none do not.
bool is_looked_up(const plan::credential& wanted);
/// Regions and projects play no part in finding a secret.
bool is_same_secret(const plan::credential& a, const plan::credential& b);
/// `AWS keys`, `Azure token`, `Google token`.
std::string_view noun(const plan::credential& wanted);

/// What is known without asking anybody; nothing: look_up() must be asked.
std::optional<looked_up> look_up_here(const plan::credential& wanted, const host_access& host);

awaitable<looked_up> look_up(boost::asio::io_context& context, const plan::credential& wanted,
                             const host_access& host);

}  // namespace understudy::credentials
