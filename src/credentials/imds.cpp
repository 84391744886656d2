#include <understudy/credentials/imds.hpp>

#include <understudy/base/ascii.hpp>
#include <understudy/credentials/aws_responses.hpp>

namespace understudy::credentials {
namespace {

constexpr std::string_view role_path = "/latest/meta-data/iam/security-credentials/";

std::string failed(const char* what, int status) {
  return std::string{"instance metadata: "} + what + " was answered with " + std::to_string(status);
}

std::string_view first_line(std::string_view text) {
  return base::trim(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace

imds_exchange::imds_exchange(http_call endpoint) : endpoint_{std::move(endpoint)} {
  // The endpoint may have a path of its own; ours begin with a slash.
  if (endpoint_.target.ends_with('/')) endpoint_.target.pop_back();
}

http_call imds_exchange::start() const {
  http_call call = endpoint_;
  call.method = "PUT";
  call.target += "/latest/api/token";
  call.fields.push_back({"x-aws-ec2-metadata-token-ttl-seconds", "21600"});
  return call;
}

http_call imds_exchange::get(std::string target) const {
  http_call call = endpoint_;
  call.target += target;
  call.fields.push_back({"x-aws-ec2-metadata-token", token_});
  return call;
}

imds_exchange::step imds_exchange::on_reply(const http_reply& reply) {
  switch (phase_) {
    case phase::token:
      return on_token(reply);
    case phase::role:
      return on_role(reply);
    case phase::keys:
      break;
  }
  return on_keys(reply);
}

imds_exchange::step imds_exchange::on_token(const http_reply& reply) {
  if (reply.status != 200) return failed("the request for a session token", reply.status);
  token_ = first_line(reply.body);
  if (!is_visible(token_)) return std::string{"instance metadata: the session token is unusable"};
  phase_ = phase::role;
  return get(std::string{role_path});
}

imds_exchange::step imds_exchange::on_role(const http_reply& reply) {
  if (reply.status == 404) return std::string{"instance metadata: the instance has no role"};
  if (reply.status != 200) return failed("the request for the role", reply.status);
  const auto role = first_line(reply.body);
  if (!is_visible(role) || role.find_first_of("/?#%") != std::string_view::npos)
    return std::string{"instance metadata: the role's name is unusable"};
  phase_ = phase::keys;
  return get(std::string{role_path} + std::string{role});
}

imds_exchange::step imds_exchange::on_keys(const http_reply& reply) {
  if (reply.status != 200) return failed("the request for the role's keys", reply.status);
  auto keys = parse_keys(reply.body);
  if (!keys) return "instance metadata: " + keys.error().reason;
  return *keys;
}

}  // namespace understudy::credentials
