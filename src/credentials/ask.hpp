#pragma once
#include <string>

#include <understudy/credentials/awaitable.hpp>
#include <understudy/credentials/aws_chain.hpp>
#include <understudy/credentials/google.hpp>
#include <understudy/credentials/lookups.hpp>
#include <understudy/credentials/oidc.hpp>

/// Each of them asks one kind of service, to the end.
namespace understudy::credentials {

using token_result = base::result<bearer_token, failure>;

struct asking {
  boost::asio::io_context& context;
  const host_access& host;
};

/// `service` begins the sentence of a failure.
awaitable<token_result> ask_token(asking to, http_call call, std::string service);
awaitable<token_result> ask_oidc(asking to, const plan::oidc_source& source);

awaitable<looked_up> ask_container(asking to, http_call call);
awaitable<looked_up> ask_instance(asking to, http_call endpoint);
awaitable<looked_up> ask_web_identity(asking to, web_identity_lookup lookup);
awaitable<looked_up> ask_role(asking to, assume_role_lookup lookup);

awaitable<looked_up> ask_google_sts(asking to, http_call exchange, std::string impersonation);
awaitable<looked_up> ask_external(asking to, external_account account);

looked_up told(token_result token, std::string where);

}  // namespace understudy::credentials
