#pragma once
#include <optional>
#include <string>

#include <understudy/credentials/aws_keys.hpp>
#include <understudy/credentials/host_access.hpp>
#include <understudy/credentials/ini.hpp>

namespace understudy::credentials {

/// The profiles of AWS's two shared files, read once. A profile that both have is one; the
/// credentials file wins.
class shared_profiles {
 public:
  explicit shared_profiles(const host_access& host);

  std::optional<ini_section> find(const std::string& profile) const;
  /// `~/` is the home.
  std::string expand(const std::string& path) const;

  static std::string get(const ini_section& section, const char* key);
  static std::optional<aws_keys> keys_of(const ini_section& section);

 private:
  std::string path_of(const char* variable, const char* in_home) const;
  void read(const std::string& path, bool is_config);

  const host_access& host_;
  ini_sections profiles_;
};

}  // namespace understudy::credentials
