#include <cstdlib>
#include <fstream>

#include <understudy/credentials/aws_chain.hpp>

namespace understudy::credentials {
namespace {

constexpr std::size_t max_file_bytes = 1024U * 1024;

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string text(max_file_bytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

host_access real_host() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (value == nullptr) return std::nullopt;
            return std::string{value};
          },
          read_file};
}

}  // namespace understudy::credentials
