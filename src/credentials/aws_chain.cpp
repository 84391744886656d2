#include <understudy/credentials/aws_chain.hpp>

#include <algorithm>

#include <understudy/base/ascii.hpp>
#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/ini.hpp>

#include "credentials/aws_profiles.hpp"

namespace understudy::credentials {
namespace {

/// Asked for in the region that the SDKs would choose.
base::result<sts_role, failure> role_of(const host_access& host, const plan::aws_credential& wanted,
                                        const std::string& arn, std::string session,
                                        std::string region) {
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (region.empty()) region = host.get(variable);
  if (region.empty()) region = wanted.region;
  auto endpoint = sts_endpoint(region, host.get("AWS_ENDPOINT_URL_STS"));
  if (!endpoint) return endpoint.error();
  if (session.empty()) session = "understudy";
  return sts_role{arn, std::move(session), {}, std::move(region), std::move(*endpoint)};
}

/// A step of the chain: keys or a failure end it, nothing goes on to the next.
using step = std::optional<chain_result>;

class chain {
 public:
  chain(const host_access& host, const plan::aws_credential& wanted)
      : host_{host}, wanted_{wanted} {}

  chain_result run() {
    if (auto found = from_environment()) return *found;
    if (auto found = from_web_identity()) return *found;
    if (auto found = from_shared_files()) return *found;
    if (auto found = from_container()) return *found;
    return from_instance();
  }

 private:
  std::string get(const std::string& name) const { return host_.get(name); }
  void note(const std::string& text) { notes_ += (notes_.empty() ? "" : "; ") + text; }

  step from_environment() {
    const auto id = get("AWS_ACCESS_KEY_ID");
    const auto secret = get("AWS_SECRET_ACCESS_KEY");
    if (id.empty() && secret.empty()) {
      note("environment: AWS_ACCESS_KEY_ID is not set");
      return std::nullopt;
    }
    if (id.empty() || secret.empty())
      return no_keys{std::string{id.empty() ? "AWS_SECRET_ACCESS_KEY is set without "
                                              "AWS_ACCESS_KEY_ID"
                                            : "AWS_ACCESS_KEY_ID is set without "
                                              "AWS_SECRET_ACCESS_KEY"}};
    aws_keys keys{id, secret, get("AWS_SESSION_TOKEN"), std::nullopt};
    if (keys.session_token.empty()) keys.session_token = get("AWS_SECURITY_TOKEN");
    return found_keys{aws_source::environment, std::move(keys)};
  }

  step from_web_identity() {
    const auto path = get("AWS_WEB_IDENTITY_TOKEN_FILE");
    const auto arn = get("AWS_ROLE_ARN");
    if (path.empty() || arn.empty()) return std::nullopt;
    return web_identity(path, arn, get("AWS_ROLE_SESSION_NAME"), {});
  }

  chain_result web_identity(const std::string& path, const std::string& arn,
                            const std::string& session, const std::string& region) {
    auto role = role_of(host_, wanted_, arn, session, region);
    if (!role) return no_keys{role.error().reason};
    auto token = host_.read_file(path);
    if (!token) return no_keys{"the web identity's token file cannot be read"};
    while (!token->empty() && static_cast<unsigned char>(token->back()) <= 0x20) token->pop_back();
    if (!is_visible(*token)) return no_keys{"the web identity's token file holds no token"};
    return web_identity_lookup{std::move(*role), std::move(*token)};
  }

  step from_shared_files() {
    std::string profile = wanted_.profile;
    if (profile.empty() || profile == "default") profile = get("AWS_PROFILE");
    if (profile.empty()) profile = get("AWS_DEFAULT_PROFILE");
    const bool is_asked_for = !profile.empty();
    if (!is_asked_for) profile = "default";
    const shared_profiles files{host_};
    auto found = from_profile(files, profile, {});
    const auto* none = found ? std::get_if<no_keys>(&*found) : nullptr;
    const bool is_silent = none != nullptr && none->reason.empty();
    if (is_asked_for && (!found || is_silent))
      return no_keys{"the shared files have " + std::string{found ? "no access keys in" : "no"} +
                     " profile " + profile};
    if (found && !is_silent) return found;
    note("shared files: no access keys in profile default");
    return std::nullopt;
  }

  /// Nothing: no such profile. An empty reason: a profile that says nothing of keys.
  step from_profile(const shared_profiles& files, const std::string& profile,
                    std::vector<std::string> above) {
    const auto section = files.find(profile);
    if (!section) return std::nullopt;
    const auto text = [&](const char* key) { return shared_profiles::get(*section, key); };
    const auto arn = text("role_arn");
    if (!arn.empty() && !text("web_identity_token_file").empty())
      return web_identity(files.expand(text("web_identity_token_file")), arn,
                          text("role_session_name"), text("region"));
    if (!arn.empty()) return from_role(files, profile, *section, std::move(above));
    if (auto keys = shared_profiles::keys_of(*section))
      return found_keys{aws_source::shared_files, std::move(*keys)};
    for (const char* way : {"sso_session", "sso_account_id", "credential_process"})
      if (section->contains(way))
        return no_keys{"profile " + profile + " of the shared files uses " + way +
                       ", which is not supported; give it access keys or a role"};
    return no_keys{};
  }

  chain_result from_role(const shared_profiles& files, const std::string& profile,
                         const ini_section& section, std::vector<std::string> above) {
    const auto text = [&](const char* key) { return shared_profiles::get(section, key); };
    const auto problem = [&](const std::string& what) {
      return no_keys{"profile " + profile + " of the shared files " + what};
    };
    if (!text("mfa_serial").empty())
      return problem("wants an MFA code, which nobody can type here");
    const auto source = text("source_profile");
    above.push_back(profile);
    step base;
    if (source == profile) {
      if (auto keys = shared_profiles::keys_of(section))
        base = found_keys{aws_source::shared_files, std::move(*keys)};
    } else if (!source.empty()) {
      if (std::ranges::find(above, source) != above.end())
        return problem("is its own source_profile in the end");
      base = from_profile(files, source, std::move(above));
    } else {
      base = from_credential_source(text("credential_source"));
      if (!base) return problem("has a role_arn without source_profile or credential_source");
    }
    if (!base) return problem("names a source_profile that has no keys: " + source);
    if (auto* none = std::get_if<no_keys>(&*base)) {
      if (none->reason.empty())
        return problem("names a source_profile that has no keys: " + source);
      return *none;
    }
    auto role = role_of(host_, wanted_, arn_of(section), text("role_session_name"), text("region"));
    if (!role) return no_keys{role.error().reason};
    role->external_id = text("external_id");
    return assume(std::move(*base), std::move(*role));
  }

  static std::string arn_of(const ini_section& section) {
    return shared_profiles::get(section, "role_arn");
  }

  step from_credential_source(const std::string& name) {
    if (name == "Environment") {
      if (auto found = from_environment()) return found;
      return no_keys{"credential_source Environment: AWS_ACCESS_KEY_ID is not set"};
    }
    if (name == "EcsContainer") {
      if (auto found = from_container()) return found;
      return no_keys{"credential_source EcsContainer: there is no container endpoint"};
    }
    if (name == "Ec2InstanceMetadata") return from_instance();
    return std::nullopt;
  }

  static chain_result assume(chain_result base, sts_role role) {
    if (auto* before = std::get_if<assume_role_lookup>(&base)) {
      before->roles.push_back(std::move(role));
      return base;
    }
    assume_role_lookup out;
    if (auto* keys = std::get_if<found_keys>(&base)) out.source = std::move(*keys);
    if (auto* call = std::get_if<container_lookup>(&base)) out.source = std::move(*call);
    if (auto* call = std::get_if<instance_lookup>(&base)) out.source = std::move(*call);
    if (auto* token = std::get_if<web_identity_lookup>(&base)) out.source = std::move(*token);
    out.roles.push_back(std::move(role));
    return out;
  }

  step from_container() {
    const auto relative = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const auto full = get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative.empty() && full.empty()) {
      note("container: no AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI");
      return std::nullopt;
    }
    if (!relative.empty() && !relative.starts_with('/'))
      return no_keys{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /"};
    auto call = parse_url(relative.empty() ? full : "http://169.254.170.2" + relative);
    const std::string variable = relative.empty() ? "AWS_CONTAINER_CREDENTIALS_FULL_URI"
                                                  : "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    if (!call) return no_keys{variable + ": " + call.error().reason};
    if (!call->is_tls && !is_allowed_container_host(call->host))
      return no_keys{variable +
                     ": plain HTTP is allowed to loopback and to the ECS and EKS agents "
                     "only; use https"};
    call->fields.push_back({"accept", "application/json"});
    std::string token = get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const auto path = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !path.empty()) {
      const auto text = host_.read_file(path);
      if (!text) return no_keys{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read"};
      token = *text;
      while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
    }
    if (token.find_first_of("\r\n") != std::string::npos)
      return no_keys{"the container's authorization token has a line break"};
    if (!token.empty()) call->fields.push_back({"authorization", token});
    return container_lookup{*call};
  }

  chain_result from_instance() {
    if (base::iequals(get("AWS_EC2_METADATA_DISABLED"), "true")) {
      note("instance metadata: AWS_EC2_METADATA_DISABLED");
      return no_keys{notes_};
    }
    auto endpoint = get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (endpoint.empty())
      endpoint = base::iequals(get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6")
                     ? "http://[fd00:ec2::254]"
                     : "http://169.254.169.254";
    auto call = parse_url(endpoint);
    if (!call) return no_keys{"AWS_EC2_METADATA_SERVICE_ENDPOINT: " + call.error().reason};
    call->timeout = std::chrono::milliseconds{1'000};
    return instance_lookup{*call};
  }

  const host_access& host_;
  const plan::aws_credential& wanted_;
  std::string notes_;
};

chain_result from_secret(const plan::aws_credential& wanted) {
  const auto sections = parse_ini(wanted.ini);
  const std::string profile = wanted.profile.empty() ? "default" : wanted.profile;
  auto found = sections.find(profile);
  if (found == sections.end()) found = sections.find("profile " + profile);
  if (found == sections.end())
    return no_keys{"the Secret's credentials have no profile " + profile};
  if (auto keys = shared_profiles::keys_of(found->second))
    return found_keys{aws_source::secret, *keys};
  return no_keys{"profile " + profile +
                 " of the Secret's credentials lacks aws_access_key_id or aws_secret_access_key"};
}

}  // namespace

std::string_view name(aws_source s) {
  switch (s) {
    case aws_source::secret:
      return "a Secret";
    case aws_source::environment:
      return "the environment";
    case aws_source::shared_files:
      return "the shared files";
    case aws_source::container:
      return "the container endpoint";
    case aws_source::instance:
      return "the instance metadata";
    case aws_source::web_identity:
      return "STS by web identity";
    case aws_source::assumed_role:
      return "STS by an assumed role";
  }
  return "unknown";
}

bool is_allowed_container_host(std::string_view host) {
  for (const auto known : {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
    if (base::iequals(host, known)) return true;
  return is_loopback(host);
}

base::result<sts_role, failure> exchange_role(const plan::aws_credential& wanted,
                                              const host_access& host) {
  return role_of(host, wanted, wanted.role_arn, {}, {});
}

chain_result resolve(const plan::aws_credential& wanted, const host_access& host) {
  if (!wanted.ini.empty()) return from_secret(wanted);
  return chain{host, wanted}.run();
}

}  // namespace understudy::credentials
