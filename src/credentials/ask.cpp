#include "credentials/ask.hpp"

#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/http_fetch.hpp>
#include <understudy/credentials/imds.hpp>

namespace understudy::credentials {
namespace {

using fetched = base::result<http_reply, failure>;

awaitable<fetched> send(asking to, http_call call) {
  if (to.host.pinned) {
    if (const auto there = to.host.pinned(call.host + ":" + std::to_string(call.port))) {
      call.connect_host = there->first;
      call.connect_port = there->second;
    }
  }
  auto reply = co_await fetch(to.context, std::move(call));
  if (!reply) co_return failure{reply.error()};
  co_return std::move(*reply);
}

failure behind(std::string_view service, const failure& why) {
  return failure{std::string{service} + ": " + why.reason};
}

}  // namespace

looked_up told(token_result token, std::string where) {
  if (!token) return token.error();
  const bool is_reread = !token->expires;
  return found_secret{std::move(*token), std::move(where), is_reread};
}

awaitable<token_result> ask_token(asking to, http_call call, std::string service) {
  const auto asked = base::wall_now();
  const auto reply = co_await send(to, std::move(call));
  if (!reply) co_return behind(service, reply.error());
  auto token = parse_token(*reply, asked);
  if (!token) co_return failure{service + " " + token.error().reason};
  co_return std::move(*token);
}

awaitable<token_result> ask_oidc(asking to, const plan::oidc_source& source) {
  token_endpoint endpoint{source.token_endpoint};
  const bool is_discovered = endpoint.url.empty();
  if (is_discovered) {
    auto call = discovery_call(source.issuer);
    if (!call) co_return call.error();
    const auto reply = co_await send(to, std::move(*call));
    if (!reply) co_return behind("OIDC discovery", reply.error());
    auto found = parse_discovery(*reply, source.issuer);
    if (!found) co_return found.error();
    endpoint = std::move(*found);
  }
  for (;;) {
    auto call = client_credentials_call(source, endpoint);
    if (!call) co_return call.error();
    const auto asked = base::wall_now();
    const auto reply = co_await send(to, std::move(*call));
    if (!reply) co_return behind("OIDC token endpoint", reply.error());
    // Who was not discovered may want the secret in the form: it does not say so beforehand.
    if (!is_discovered && endpoint.takes_basic && (reply->status == 401 || reply->status == 400)) {
      endpoint.takes_basic = false;
      continue;
    }
    auto token = parse_token(*reply, asked);
    if (!token) co_return failure{"OIDC token endpoint " + token.error().reason};
    co_return std::move(*token);
  }
}

// ---- AWS ----------------------------------------------------------------------------------

awaitable<looked_up> ask_container(asking to, http_call call) {
  const auto reply = co_await send(to, std::move(call));
  if (!reply) co_return behind("container endpoint", reply.error());
  if (reply->status != 200)
    co_return failure{"container endpoint: answered with " + std::to_string(reply->status)};
  auto keys = parse_keys(reply->body);
  if (!keys) co_return behind("container endpoint", keys.error());
  co_return found_secret{std::move(*keys), std::string{name(aws_source::container)}};
}

awaitable<looked_up> ask_instance(asking to, http_call endpoint) {
  imds_exchange exchange{std::move(endpoint)};
  http_call call = exchange.start();
  for (;;) {
    const auto reply = co_await send(to, std::move(call));
    if (!reply) co_return behind("instance metadata", reply.error());
    auto next = exchange.on_reply(*reply);
    if (auto* keys = std::get_if<aws_keys>(&next))
      co_return found_secret{std::move(*keys), std::string{name(aws_source::instance)}};
    if (auto* text = std::get_if<std::string>(&next)) co_return failure{std::move(*text)};
    call = std::move(std::get<http_call>(next));
  }
}

awaitable<looked_up> ask_web_identity(asking to, web_identity_lookup lookup) {
  const auto reply = co_await send(to, web_identity_call(lookup.role, lookup.token));
  if (!reply) co_return behind("STS", reply.error());
  auto keys = parse_sts_reply(*reply);
  if (!keys) co_return keys.error();
  co_return found_secret{std::move(*keys), std::string{name(aws_source::web_identity)}};
}

awaitable<looked_up> ask_role(asking to, assume_role_lookup lookup) {
  looked_up first = failure{};
  if (auto* keys = std::get_if<found_keys>(&lookup.source))
    first = found_secret{keys->keys, {}};
  else if (auto* container = std::get_if<container_lookup>(&lookup.source))
    first = co_await ask_container(to, std::move(container->call));
  else if (auto* instance = std::get_if<instance_lookup>(&lookup.source))
    first = co_await ask_instance(to, std::move(instance->endpoint));
  else
    first = co_await ask_web_identity(to, std::move(std::get<web_identity_lookup>(lookup.source)));
  if (!first) co_return first.error();
  auto keys = std::get<aws_keys>(first->value);
  for (const auto& role : lookup.roles) {
    const auto reply = co_await send(to, assume_role_call(role, keys, base::wall_now()));
    if (!reply) co_return behind("STS", reply.error());
    auto next = parse_sts_reply(*reply);
    if (!next) co_return next.error();
    keys = std::move(*next);
  }
  co_return found_secret{std::move(keys), std::string{name(aws_source::assumed_role)}};
}

// ---- Google -------------------------------------------------------------------------------

awaitable<looked_up> ask_google_sts(asking to, http_call exchange, std::string impersonation) {
  auto token = co_await ask_token(to, std::move(exchange), "Google STS");
  if (!token || impersonation.empty()) co_return told(std::move(token), "Google STS");
  auto call = impersonation_call(impersonation, token->value);
  if (!call) co_return call.error();
  const auto reply = co_await send(to, std::move(*call));
  if (!reply) co_return behind("IAM Credentials", reply.error());
  auto mine = parse_impersonation(*reply);
  if (!mine) co_return failure{"IAM Credentials " + mine.error().reason};
  co_return told(std::move(*mine), "IAM Credentials");
}

awaitable<looked_up> ask_external(asking to, external_account account) {
  std::string text;
  if (account.source) {
    const auto reply = co_await send(to, std::move(*account.source));
    if (!reply) co_return behind("credential_source.url", reply.error());
    if (reply->status != 200)
      co_return failure{"credential_source.url " + describe_refusal(*reply)};
    text = reply->body;
  } else {
    const auto read = to.host.read_file(account.file);
    if (!read) co_return failure{"credential_source.file cannot be read"};
    text = *read;
  }
  const auto token = subject_token(text, account.json_field);
  if (!token) co_return token.error();
  auto call =
      exchange_call(account.token_url, account.audience, account.subject_token_type, *token);
  if (!call) co_return call.error();
  co_return co_await ask_google_sts(to, std::move(*call), std::move(account.impersonation_url));
}

}  // namespace understudy::credentials
