#include <understudy/credentials/aws_chain.hpp>

#include "catch.hpp"
#include "credentials/fake_host.hpp"

using namespace understudy;
using namespace understudy::credentials;
using tests::fake_host;
using tests::table;

namespace {

constexpr const char* credentials_file =
    "[default]\naws_access_key_id = FILE\naws_secret_access_key = fs\n"
    "[work]\naws_access_key_id = WORK\naws_secret_access_key = ws\naws_session_token = wt\n"
    "[half]\naws_access_key_id = HALF\n";
constexpr const char* config_file =
    "[default]\nregion = us-east-1\n"
    "[profile conf]\naws_access_key_id = CONF\naws_secret_access_key = cs\n"
    "[profile \"quoted\"]\naws_access_key_id = QUOT\naws_secret_access_key = qs\n"
    "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n"
    "[profile second]\nrole_arn=arn:b\nsource_profile=role\nrole_session_name=me\n"
    "external_id=ext\nregion=cn-north-1\n"
    "[profile env]\nrole_arn=arn:c\ncredential_source=Environment\n"
    "[profile ec2]\nrole_arn=arn:d\ncredential_source=Ec2InstanceMetadata\n"
    "[profile ecs]\nrole_arn=arn:e\ncredential_source=EcsContainer\n"
    "[profile web]\nrole_arn=arn:f\nweb_identity_token_file=~/t\n"
    "[profile loop1]\nrole_arn=a\nsource_profile=loop2\n"
    "[profile loop2]\nrole_arn=a\nsource_profile=loop1\n"
    "[profile bottomless]\nrole_arn=a\n"
    "[profile mfa]\nrole_arn=a\nsource_profile=default\nmfa_serial=m\n"
    "[profile process]\ncredential_process=/bin/false\n"
    "[bare]\naws_access_key_id = BARE\naws_secret_access_key = bs\n";

/// One line for any result, so that a table can say what is expected.
std::string describe(const chain_result& result) {
  if (const auto* found = std::get_if<found_keys>(&result))
    return std::string{name(found->source)} + ": " + found->keys.access_key_id + "/" +
           found->keys.secret_access_key + "/" + found->keys.session_token;
  const auto address = [](const http_call& call) {
    std::string text = (call.is_tls ? "https " : "http ") + call.host + " " +
                       std::to_string(call.port) + " " + call.target;
    for (const auto& f : call.fields)
      if (f.name == "authorization") text += " token " + f.value;
    return text;
  };
  if (const auto* container = std::get_if<container_lookup>(&result))
    return "ask " + address(container->call);
  if (const auto* instance = std::get_if<instance_lookup>(&result))
    return "instance " + address(instance->endpoint);
  const auto role = [](const sts_role& r) {
    return r.arn + " as " + r.session_name +
           (r.external_id.empty() ? "" : " for " + r.external_id) + " at " + r.endpoint.host;
  };
  if (const auto* identity = std::get_if<web_identity_lookup>(&result))
    return "web identity " + identity->token + ": " + role(identity->role);
  if (const auto* assume = std::get_if<assume_role_lookup>(&result)) {
    std::string text = "roles:";
    for (const auto& r : assume->roles) text += " " + role(r);
    return std::visit([&](const auto& source) { return describe(chain_result{source}); },
                      assume->source) +
           " " + text;
  }
  return "none: " + std::get<no_keys>(result).reason;
}

}  // namespace

TEST_CASE("the standard chain") {
  const table home = {{"HOME", "/h"}};
  const table files = {{"/h/.aws/credentials", credentials_file}, {"/h/.aws/config", config_file}};
  struct row {
    const char* what;
    table environment;
    table files;
    std::string expected;
  };
  const row rows[] = {
      {"environment first",
       {{"HOME", "/h"},
        {"AWS_ACCESS_KEY_ID", " ENV "},
        {"AWS_SECRET_ACCESS_KEY", "es\n"},
        {"AWS_SESSION_TOKEN", "et"},
        {"AWS_PROFILE", "work"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}},
       files,
       "the environment: ENV/es/et"},
      {"half of the environment is a mistake",
       {{"HOME", "/h"}, {"AWS_ACCESS_KEY_ID", "ENV"}},
       files,
       "none: AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"},
      {"the other half",
       {{"AWS_SECRET_ACCESS_KEY", "s"}},
       {},
       "none: AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"},
      {"an empty variable is unset",
       {{"HOME", "/h"}, {"AWS_ACCESS_KEY_ID", ""}},
       files,
       "the shared files: FILE/fs/"},
      {"default profile", home, files, "the shared files: FILE/fs/"},
      {"AWS_PROFILE",
       {{"HOME", "/h"}, {"AWS_PROFILE", "work"}},
       files,
       "the shared files: WORK/ws/wt"},
      {"AWS_DEFAULT_PROFILE",
       {{"HOME", "/h"}, {"AWS_DEFAULT_PROFILE", "work"}},
       files,
       "the shared files: WORK/ws/wt"},
      {"a profile of the config file",
       {{"HOME", "/h"}, {"AWS_PROFILE", "conf"}},
       files,
       "the shared files: CONF/cs/"},
      {"a quoted profile",
       {{"HOME", "/h"}, {"AWS_PROFILE", "quoted"}},
       files,
       "the shared files: QUOT/qs/"},
      {"the config file wants `profile`",
       {{"HOME", "/h"}, {"AWS_PROFILE", "bare"}},
       files,
       "none: the shared files have no profile bare"},
      {"other paths",
       {{"HOME", "/h"}, {"AWS_SHARED_CREDENTIALS_FILE", "~/c"}, {"AWS_PROFILE", "p"}},
       {{"/h/c", "[p]\naws_access_key_id=P\naws_secret_access_key=ps\n"}},
       "the shared files: P/ps/"},
      {"AWS_CONFIG_FILE",
       {{"AWS_CONFIG_FILE", "/k"}},
       {{"/k", "[default]\naws_access_key_id=K\naws_secret_access_key=ks\n"}},
       "the shared files: K/ks/"},
      {"a profile that was asked for and is missing",
       {{"HOME", "/h"}, {"AWS_PROFILE", "nope"}},
       files,
       "none: the shared files have no profile nope"},
      {"a profile without a secret",
       {{"HOME", "/h"}, {"AWS_PROFILE", "half"}},
       files,
       "none: the shared files have no access keys in profile half"},
      {"a profile with a role",
       {{"HOME", "/h"}, {"AWS_PROFILE", "role"}},
       files,
       "the shared files: FILE/fs/ roles: arn:aws:iam::1:role/x as understudy at "
       "sts.us-east-1.amazonaws.com"},
      {"roles one after the other, in their regions",
       {{"HOME", "/h"}, {"AWS_PROFILE", "second"}, {"AWS_REGION", "eu-west-1"}},
       files,
       "the shared files: FILE/fs/ roles: arn:aws:iam::1:role/x as understudy at "
       "sts.eu-west-1.amazonaws.com arn:b as me for ext at sts.cn-north-1.amazonaws.com.cn"},
      {"a role over the environment's keys",
       {{"HOME", "/h"}, {"AWS_PROFILE", "env"}},
       files,
       "none: credential_source Environment: AWS_ACCESS_KEY_ID is not set"},
      {"a role over the instance's",
       {{"HOME", "/h"}, {"AWS_PROFILE", "ec2"}},
       files,
       "instance http 169.254.169.254 80 / roles: arn:d as understudy at "
       "sts.us-east-1.amazonaws.com"},
      {"a role over the container's",
       {{"HOME", "/h"},
        {"AWS_PROFILE", "ecs"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2"},
        {"AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1/"}},
       files,
       "ask http 169.254.170.2 80 /v2 roles: arn:e as understudy at 127.0.0.1"},
      {"a role by web identity",
       {{"HOME", "/h"}, {"AWS_PROFILE", "web"}},
       {{"/h/.aws/config", config_file}, {"/h/t", "web-token\n"}},
       "web identity web-token: arn:f as understudy at sts.us-east-1.amazonaws.com"},
      {"a role over itself in the end",
       {{"HOME", "/h"}, {"AWS_PROFILE", "loop1"}},
       files,
       "none: profile loop2 of the shared files is its own source_profile in the end"},
      {"a role over nothing",
       {{"HOME", "/h"}, {"AWS_PROFILE", "bottomless"}},
       files,
       "none: profile bottomless of the shared files has a role_arn without source_profile or "
       "credential_source"},
      {"a role that wants a person",
       {{"HOME", "/h"}, {"AWS_PROFILE", "mfa"}},
       files,
       "none: profile mfa of the shared files wants an MFA code, which nobody can type here"},
      {"a command is not run",
       {{"HOME", "/h"}, {"AWS_PROFILE", "process"}},
       files,
       "none: profile process of the shared files uses credential_process, which is not "
       "supported; give it access keys or a role"},
      {"STS in the clear is for loopback",
       {{"AWS_ROLE_ARN", "arn"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"},
        {"AWS_ENDPOINT_URL_STS", "http://192.0.2.1/"}},
       {{"/t", "tok"}},
       "none: AWS_ENDPOINT_URL_STS: plain HTTP is allowed to loopback only; use https"},
      {"web identity before the shared files",
       {{"HOME", "/h"},
        {"AWS_ROLE_ARN", "arn"},
        {"AWS_ROLE_SESSION_NAME", "pod"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}},
       {{"/h/.aws/credentials", credentials_file}, {"/t", "tok\n"}},
       "web identity tok: arn as pod at sts.us-east-1.amazonaws.com"},
      {"web identity without its token",
       {{"AWS_ROLE_ARN", "arn"}, {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}},
       {},
       "none: the web identity's token file cannot be read"},
      {"ECS",
       {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/c?id=1"}},
       {},
       "ask http 169.254.170.2 80 /v2/c?id=1"},
      {"ECS before the full URI",
       {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://example.com/"}},
       {},
       "ask http 169.254.170.2 80 /v2"},
      {"a relative URI cannot leave its host",
       {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/"}},
       {},
       "none: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /"},
      {"EKS with a token file",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "loses"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}},
       {{"/t", "abc\n"}},
       "ask http 169.254.170.23 80 /v1/credentials token abc"},
      {"a token variable",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:99/k"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic x"}},
       {},
       "ask http 127.0.0.1 99 /k token Basic x"},
      {"https to anywhere",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://vault.example/k"}},
       {},
       "ask https vault.example 443 /k"},
      {"http to nowhere else",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/k"}},
       {},
       "none: AWS_CONTAINER_CREDENTIALS_FULL_URI: plain HTTP is allowed to loopback and to the "
       "ECS and EKS agents only; use https"},
      {"a bad URI",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "vault/k"}},
       {},
       "none: AWS_CONTAINER_CREDENTIALS_FULL_URI: the URL begins neither http:// nor https://"},
      {"a missing token file",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}},
       {},
       "none: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read"},
      {"a token cannot add a header",
       {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nhost: b"}},
       {},
       "none: the container's authorization token has a line break"},
      {"instance metadata last", {}, {}, "instance http 169.254.169.254 80 /"},
      {"over IPv6",
       {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}},
       {},
       "instance http fd00:ec2::254 80 /"},
      {"elsewhere",
       {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/"}},
       {},
       "instance http 127.0.0.1 1338 /"},
      {"all off",
       {{"AWS_EC2_METADATA_DISABLED", "TRUE"}},
       {},
       "none: environment: AWS_ACCESS_KEY_ID is not set; shared files: no access keys in profile "
       "default; container: no AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI; instance "
       "metadata: AWS_EC2_METADATA_DISABLED"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.what);
    const fake_host host{r.environment, r.files};
    CHECK(describe(resolve({"us-east-1", "", "default"}, host.access())) == r.expected);
  }
}

TEST_CASE("a Secret wins over the environment, with its own profile") {
  const fake_host host{
      {{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "es"}, {"AWS_PROFILE", "work"}}, {}};
  struct row {
    std::string profile, expected;
  };
  const row rows[] = {
      {"default", "a Secret: FILE/fs/"},
      {"", "a Secret: FILE/fs/"},
      {"work", "a Secret: WORK/ws/wt"},
      {"nope", "none: the Secret's credentials have no profile nope"},
      {"half",
       "none: profile half of the Secret's credentials lacks aws_access_key_id or "
       "aws_secret_access_key"},
  };
  for (const auto& r : rows) {
    CAPTURE(r.profile);
    CHECK(describe(resolve({"us-east-1", credentials_file, r.profile}, host.access())) ==
          r.expected);
  }
}

TEST_CASE("a policy's own profile is asked for by name") {
  const fake_host host{{{"HOME", "/h"}, {"AWS_PROFILE", "work"}},
                       {{"/h/.aws/config", config_file}}};
  CHECK(describe(resolve({"", "", "conf"}, host.access())) == "the shared files: CONF/cs/");
}

TEST_CASE("hosts that may get the container's token in the clear") {
  for (const auto host : {"127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1",
                          "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
    CHECK(is_allowed_container_host(host));
  for (const auto host : {"128.0.0.1", "127.evil.example", "169.254.169.254", "169.254.170.3",
                          "localhost.example", "", "::2", "10.0.0.1"})
    CHECK_FALSE(is_allowed_container_host(host));
}
