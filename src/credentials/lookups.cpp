#include <understudy/credentials/lookups.hpp>

#include <understudy/credentials/aws_chain.hpp>
#include <understudy/credentials/google.hpp>

#include "credentials/ask.hpp"

namespace understudy::credentials {
namespace {

std::optional<looked_up> aws_here(const chain_result& found) {
  if (const auto* keys = std::get_if<found_keys>(&found))
    return found_secret{keys->keys, std::string{name(keys->source)},
                        keys->source == aws_source::shared_files};
  if (const auto* none = std::get_if<no_keys>(&found)) return failure{none->reason};
  return std::nullopt;
}

awaitable<looked_up> ask_aws(asking to, const plan::aws_credential& wanted) {
  if (wanted.oidc) {
    auto role = exchange_role(wanted, to.host);
    if (!role) co_return role.error();
    const auto token = co_await ask_oidc(to, *wanted.oidc);
    if (!token) co_return token.error();
    web_identity_lookup lookup{std::move(*role), token->value};
    co_return co_await ask_web_identity(to, std::move(lookup));
  }
  auto found = resolve(wanted, to.host);
  if (auto here = aws_here(found)) co_return std::move(*here);
  if (auto* container = std::get_if<container_lookup>(&found))
    co_return co_await ask_container(to, std::move(container->call));
  if (auto* instance = std::get_if<instance_lookup>(&found))
    co_return co_await ask_instance(to, std::move(instance->endpoint));
  if (auto* identity = std::get_if<web_identity_lookup>(&found))
    co_return co_await ask_web_identity(to, std::move(*identity));
  co_return co_await ask_role(to, std::move(std::get<assume_role_lookup>(found)));
}

awaitable<looked_up> ask_azure(asking to, const plan::azure_credential& wanted) {
  std::string assertion;
  if (wanted.oidc) {
    const auto token = co_await ask_oidc(to, *wanted.oidc);
    if (!token) co_return token.error();
    assertion = token->value;
  }
  auto authority = to.host.get("AZURE_AUTHORITY_HOST");
  if (authority.empty()) authority = "https://login.microsoftonline.com";
  auto call = entra_call(wanted, authority, assertion);
  if (!call) co_return call.error();
  auto token = co_await ask_token(to, std::move(*call), "Entra ID");
  co_return told(std::move(token), "Entra ID");
}

awaitable<looked_up> ask_google(asking to, const plan::gcp_credential& wanted) {
  if (wanted.federation) {
    const auto& federation = *wanted.federation;
    const auto token = co_await ask_oidc(to, federation.oidc);
    if (!token) co_return token.error();
    auto call = exchange_call(google_sts, federation.audience, jwt_type, token->value);
    if (!call) co_return call.error();
    std::string impersonation;
    if (!federation.service_account.empty())
      impersonation = impersonation_url(federation.service_account);
    co_return co_await ask_google_sts(to, std::move(*call), std::move(impersonation));
  }
  auto found = resolve_google(wanted, to.host);
  if (!found) co_return found.error();
  if (auto* external = std::get_if<external_account>(&*found))
    co_return co_await ask_external(to, std::move(*external));
  std::string service = "Google's token endpoint";
  base::result<http_call, failure> call = failure{};
  if (auto* server = std::get_if<metadata_server>(&*found)) {
    service = "the metadata server";
    call = std::move(server->call);
  } else if (const auto* account = std::get_if<service_account>(&*found)) {
    call = token_call(*account, base::wall_now());
  } else {
    call = token_call(std::get<authorized_user>(*found));
  }
  if (!call) co_return call.error();
  auto token = co_await ask_token(to, std::move(*call), service);
  co_return told(std::move(token), std::move(service));
}

}  // namespace

bool is_looked_up(const plan::credential& wanted) {
  return !std::holds_alternative<std::monostate>(wanted) &&
         !std::holds_alternative<plan::header_credential>(wanted);
}

bool is_same_secret(const plan::credential& a, const plan::credential& b) {
  if (a.index() != b.index()) return false;
  if (const auto* aws = std::get_if<plan::aws_credential>(&a)) {
    const auto& other = std::get<plan::aws_credential>(b);
    return aws->profile == other.profile && aws->ini == other.ini && aws->oidc == other.oidc &&
           aws->role_arn == other.role_arn;
  }
  if (const auto* gcp = std::get_if<plan::gcp_credential>(&a)) {
    const auto& other = std::get<plan::gcp_credential>(b);
    return gcp->key_file == other.key_file && gcp->federation == other.federation;
  }
  return a == b;
}

std::string_view noun(const plan::credential& wanted) {
  if (std::holds_alternative<plan::azure_credential>(wanted)) return "Azure token";
  if (std::holds_alternative<plan::gcp_credential>(wanted)) return "Google token";
  return "AWS keys";
}

std::optional<looked_up> look_up_here(const plan::credential& wanted, const host_access& host) {
  if (const auto* aws = std::get_if<plan::aws_credential>(&wanted); aws != nullptr && !aws->oidc)
    return aws_here(resolve(*aws, host));
  return std::nullopt;
}

awaitable<looked_up> look_up(boost::asio::io_context& context, const plan::credential& wanted,
                             const host_access& host) {
  const asking to{context, host};
  if (const auto* aws = std::get_if<plan::aws_credential>(&wanted))
    co_return co_await ask_aws(to, *aws);
  if (const auto* azure = std::get_if<plan::azure_credential>(&wanted))
    co_return co_await ask_azure(to, *azure);
  if (const auto* gcp = std::get_if<plan::gcp_credential>(&wanted))
    co_return co_await ask_google(to, *gcp);
  co_return failure{"there is nothing to look up"};
}

}  // namespace understudy::credentials
