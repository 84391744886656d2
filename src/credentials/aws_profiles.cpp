#include "credentials/aws_profiles.hpp"

#include <understudy/base/ascii.hpp>

namespace understudy::credentials {

shared_profiles::shared_profiles(const host_access& host) : host_{host} {
  read(path_of("AWS_CONFIG_FILE", "/.aws/config"), true);
  read(path_of("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"), false);
}

std::string shared_profiles::expand(const std::string& path) const {
  return path.starts_with("~/") ? host_.get("HOME") + path.substr(1) : path;
}

std::string shared_profiles::path_of(const char* variable, const char* in_home) const {
  const auto path = host_.get(variable);
  if (!path.empty()) return expand(path);
  const auto home = host_.get("HOME");
  return home.empty() ? "" : home + in_home;
}

void shared_profiles::read(const std::string& path, bool is_config) {
  if (path.empty()) return;
  const auto text = host_.read_file(path);
  if (!text) return;
  for (auto& [title, section] : parse_ini(*text)) {
    std::string_view name = title;
    if (is_config && name != "default") {
      if (!name.starts_with("profile ") && !name.starts_with("profile\t")) continue;
      name = base::trim(name.substr(8));
    }
    if (name.size() >= 2 && (name[0] == '"' || name[0] == '\'') && name.back() == name[0])
      name = name.substr(1, name.size() - 2);
    auto& merged = profiles_[std::string{name}];
    // Half a pair of keys from each file would be nobody's.
    if (!is_config && section.contains("aws_access_key_id"))
      for (const char* key : {"aws_access_key_id", "aws_secret_access_key", "aws_session_token",
                              "aws_security_token"})
        merged.erase(key);
    for (auto& [key, value] : section) merged[key] = value;
  }
}

std::optional<ini_section> shared_profiles::find(const std::string& profile) const {
  const auto found = profiles_.find(profile);
  if (found == profiles_.end()) return std::nullopt;
  return found->second;
}

std::string shared_profiles::get(const ini_section& section, const char* key) {
  const auto found = section.find(std::string_view{key});
  return found == section.end() ? std::string{} : found->second;
}

std::optional<aws_keys> shared_profiles::keys_of(const ini_section& section) {
  aws_keys keys;
  keys.access_key_id = get(section, "aws_access_key_id");
  keys.secret_access_key = get(section, "aws_secret_access_key");
  keys.session_token = get(section, "aws_session_token");
  if (keys.session_token.empty()) keys.session_token = get(section, "aws_security_token");
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) return std::nullopt;
  return keys;
}

}  // namespace understudy::credentials
