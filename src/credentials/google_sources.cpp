#include <understudy/credentials/google.hpp>
#include <understudy/credentials/oidc.hpp>

#include "credentials/json_text.hpp"

namespace understudy::credentials {
namespace {

using nlohmann::json;
using source = base::result<google_source, failure>;

constexpr std::string_view default_token_uri = "https://oauth2.googleapis.com/token";

source parse_service_account(const json& file) {
  service_account out{text_of(file, "client_email"), text_of(file, "private_key_id"),
                      text_of(file, "private_key"), text_of(file, "token_uri")};
  if (out.token_uri.empty()) out.token_uri = default_token_uri;
  if (out.email.empty() || out.private_key_pem.empty())
    return failure{"the service account's file lacks client_email or private_key"};
  return out;
}

source parse_authorized_user(const json& file) {
  authorized_user out{text_of(file, "client_id"), text_of(file, "client_secret"),
                      text_of(file, "refresh_token"), text_of(file, "token_uri")};
  if (out.token_uri.empty()) out.token_uri = default_token_uri;
  if (out.client_id.empty() || out.client_secret.empty() || out.refresh_token.empty())
    return failure{"the user's file lacks client_id, client_secret or refresh_token"};
  return out;
}

base::result<http_call, failure> parse_source_url(const json& from) {
  // Often a service of the machine itself, which speaks no TLS: what goes there is no secret.
  auto call = parse_url(text_of(from, "url"));
  if (!call) return failure{"credential_source.url: " + call.error().reason};
  call->timeout = token_timeout;
  const auto headers = from.find("headers");
  if (headers == from.end() || !headers->is_object()) return call;
  for (const auto& [name, value] : headers->items()) {
    if (!is_visible(name) || !value.is_string() ||
        value.get_ref<const std::string&>().find_first_of("\r\n") != std::string::npos)
      return failure{"credential_source.headers cannot be sent"};
    call->fields.push_back({name, value.get<std::string>()});
  }
  return call;
}

source parse_external_account(const json& file) {
  external_account out{text_of(file, "audience"),
                       text_of(file, "subject_token_type"),
                       text_of(file, "token_url"),
                       text_of(file, "service_account_impersonation_url"),
                       {},
                       {},
                       {}};
  if (out.token_url.empty()) out.token_url = google_sts;
  if (out.audience.empty() || out.subject_token_type.empty())
    return failure{"the external account's file lacks audience or subject_token_type"};
  const auto from = file.find("credential_source");
  if (from == file.end() || !from->is_object())
    return failure{"the external account's file has no credential_source"};
  if (from->contains("executable"))
    return failure{"credential_source.executable is not run; use a file or url"};
  if (from->contains("environment_id"))
    return failure{"credential_source of AWS is not supported; use a file or url"};
  out.file = text_of(*from, "file");
  if (out.file.empty()) {
    auto call = parse_source_url(*from);
    if (!call) return call.error();
    out.source = std::move(*call);
  }
  const auto format = from->find("format");
  if (format != from->end() && format->is_object() && text_of(*format, "type") == "json") {
    out.json_field = text_of(*format, "subject_token_field_name");
    if (out.json_field.empty())
      return failure{"credential_source.format lacks subject_token_field_name"};
  }
  return out;
}

source read_google_file(const host_access& host, const std::string& path, const std::string& name) {
  const auto text = host.read_file(path);
  if (!text) return failure{name + " cannot be read"};
  auto found = parse_google_file(*text);
  if (!found) return failure{name + ": " + found.error().reason};
  return found;
}

}  // namespace

base::result<google_source, failure> parse_google_file(std::string_view text) {
  const auto file = json::parse(text, nullptr, false);
  if (!file.is_object()) return failure{"the credentials file is not a JSON object"};
  const auto type = text_of(file, "type");
  if (type == "service_account") return parse_service_account(file);
  if (type == "authorized_user") return parse_authorized_user(file);
  if (type == "external_account") return parse_external_account(file);
  for (const auto* known :
       {"impersonated_service_account", "external_account_authorized_user", "gdch_service_account"})
    if (type == known) return failure{"credentials of type " + type + " are not supported"};
  return failure{"the credentials file has no type that is known"};
}

base::result<google_source, failure> resolve_google(const plan::gcp_credential& wanted,
                                                    const host_access& host) {
  if (!wanted.key_file.empty()) {
    auto found = parse_google_file(wanted.key_file);
    if (!found) return failure{"the Secret: " + found.error().reason};
    // A key file is what the field is for; it shall not open files or call elsewhere.
    if (!std::holds_alternative<service_account>(*found))
      return failure{"the Secret: service_account.json is no service account's key file"};
    return found;
  }
  if (const auto path = host.get("GOOGLE_APPLICATION_CREDENTIALS"); !path.empty())
    return read_google_file(host, path, "the file of GOOGLE_APPLICATION_CREDENTIALS");
  auto folder = host.get("CLOUDSDK_CONFIG");
  if (const auto home = host.get("HOME"); folder.empty() && !home.empty())
    folder = home + "/.config/gcloud";
  const auto path = folder + "/application_default_credentials.json";
  if (!folder.empty() && host.read_file(path)) return read_google_file(host, path, "gcloud's file");
  auto address = host.get("GCE_METADATA_HOST");
  auto call = parse_url("http://" + (address.empty() ? "169.254.169.254" : address) +
                        "/computeMetadata/v1/instance/service-accounts/default/token");
  if (!call) return failure{"GCE_METADATA_HOST: " + call.error().reason};
  call->fields.push_back({"metadata-flavor", "Google"});
  return metadata_server{std::move(*call)};
}

}  // namespace understudy::credentials
