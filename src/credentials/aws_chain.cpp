#include <understudy/credentials/aws_chain.hpp>

#include <understudy/base/ascii.hpp>
#include <understudy/credentials/aws_responses.hpp>
#include <understudy/credentials/ini.hpp>

namespace understudy::credentials {
namespace {

/// A step of the chain: keys or a failure end it, nothing goes on to the next.
using step = std::optional<chain_result>;

class chain {
 public:
  explicit chain(const host_access& host) : host_{host} {}

  chain_result run(const std::string& wanted_profile) {
    if (auto found = from_environment()) return *found;
    if (has("AWS_WEB_IDENTITY_TOKEN_FILE") && has("AWS_ROLE_ARN"))
      note("web identity: token exchange is not supported");
    if (auto found = from_shared_files(wanted_profile)) return *found;
    if (auto found = from_container()) return *found;
    return from_instance();
  }

 private:
  std::string get(const std::string& name) const {
    const auto value = host_.environment(name);
    if (!value) return {};
    constexpr const char* blank = " \t\r\n";  // a value read from a file often ends with a newline
    const auto first = value->find_first_not_of(blank);
    if (first == std::string::npos) return {};
    return value->substr(first, value->find_last_not_of(blank) - first + 1);
  }
  bool has(const std::string& name) const { return !get(name).empty(); }
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

  std::string path_of(const char* variable, const char* in_home) const {
    auto path = get(variable);
    const auto home = get("HOME");
    if (path.empty()) return home.empty() ? "" : home + in_home;
    if (path.starts_with("~/")) path = home + path.substr(1);
    return path;
  }

  ini_section profile_in(const std::string& path, const std::string& profile, bool is_config) {
    if (path.empty()) return {};
    const auto text = host_.read_file(path);
    if (!text) return {};
    for (auto& [title, section] : parse_ini(*text)) {
      std::string_view name = title;
      if (is_config && name != "default") {
        if (!name.starts_with("profile ") && !name.starts_with("profile\t")) continue;
        name = base::trim(name.substr(8));
      }
      if (name.size() >= 2 && (name[0] == '"' || name[0] == '\'') && name.back() == name[0])
        name = name.substr(1, name.size() - 2);
      if (name == profile) {
        is_profile_known_ = true;
        return section;
      }
    }
    return {};
  }

  step from_shared_files(const std::string& wanted_profile) {
    std::string profile = wanted_profile;
    if (profile.empty() || profile == "default") profile = get("AWS_PROFILE");
    if (profile.empty()) profile = get("AWS_DEFAULT_PROFILE");
    const bool is_asked_for = !profile.empty();
    if (!is_asked_for) profile = "default";
    const auto file = path_of("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
    const auto config = path_of("AWS_CONFIG_FILE", "/.aws/config");
    std::string unsupported;
    for (const bool is_config : {false, true}) {
      const auto section = profile_in(is_config ? config : file, profile, is_config);
      if (auto keys = keys_of(section)) return found_keys{aws_source::shared_files, *keys};
      for (const char* way : {"role_arn", "sso_session", "sso_account_id", "credential_process"})
        if (section.contains(way)) unsupported = way;
    }
    if (!unsupported.empty())
      return no_keys{"profile " + profile + " of the shared files uses " + unsupported +
                     ", which is not supported; give it access keys"};
    if (is_asked_for)
      return no_keys{"the shared files have " +
                     std::string{is_profile_known_ ? "no access keys in" : "no"} + " profile " +
                     profile};
    note("shared files: no access keys in profile default");
    return std::nullopt;
  }

 public:
  static std::optional<aws_keys> keys_of(const ini_section& section) {
    const auto get = [&](const char* key) {
      const auto found = section.find(key);
      return found == section.end() ? std::string{} : found->second;
    };
    aws_keys keys;
    keys.access_key_id = get("aws_access_key_id");
    keys.secret_access_key = get("aws_secret_access_key");
    keys.session_token = get("aws_session_token");
    if (keys.session_token.empty()) keys.session_token = get("aws_security_token");
    if (keys.access_key_id.empty() || keys.secret_access_key.empty()) return std::nullopt;
    return keys;
  }

 private:
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
  std::string notes_;
  bool is_profile_known_ = false;
};

chain_result from_secret(const plan::aws_credential& wanted) {
  const auto sections = parse_ini(wanted.ini);
  const std::string profile = wanted.profile.empty() ? "default" : wanted.profile;
  auto found = sections.find(profile);
  if (found == sections.end()) found = sections.find("profile " + profile);
  if (found == sections.end())
    return no_keys{"the Secret's credentials have no profile " + profile};
  if (auto keys = chain::keys_of(found->second)) return found_keys{aws_source::secret, *keys};
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
  }
  return "unknown";
}

bool is_allowed_container_host(std::string_view host) {
  for (const auto known : {"localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
    if (base::iequals(host, known)) return true;
  // A whole IPv4 address of 127/8, not a name such as 127.example.com.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

chain_result resolve(const plan::aws_credential& wanted, const host_access& host) {
  if (!wanted.ini.empty()) return from_secret(wanted);
  return chain{host}.run(wanted.profile);
}

}  // namespace understudy::credentials
