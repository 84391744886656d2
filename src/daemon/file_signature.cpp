#include <understudy/daemon/file_signature.hpp>

#include <sys/stat.h>

namespace understudy::daemon {

std::string file_signature(const std::vector<std::string>& files) {
  std::string signature;
  for (const auto& file : files) {
    struct stat seen {};
    if (::stat(file.c_str(), &seen) != 0) {
      signature += "absent;";
      continue;
    }
    for (const auto part :
         {static_cast<long long>(seen.st_dev), static_cast<long long>(seen.st_ino),
          static_cast<long long>(seen.st_size), static_cast<long long>(seen.st_mtim.tv_sec),
          static_cast<long long>(seen.st_mtim.tv_nsec)})
      signature += std::to_string(part) + ',';
    signature += ';';
  }
  return signature;
}

}  // namespace understudy::daemon
