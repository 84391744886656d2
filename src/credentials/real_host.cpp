#include <cstdlib>
#include <fstream>

#include <understudy/credentials/host_access.hpp>

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

std::string host_access::get(const std::string& name) const {
  const auto value = environment(name);
  if (!value) return {};
  constexpr const char* blank = " \t\r\n";
  const auto first = value->find_first_not_of(blank);
  if (first == std::string::npos) return {};
  return value->substr(first, value->find_last_not_of(blank) - first + 1);
}

host_access real_host() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (value == nullptr) return std::nullopt;
            return std::string{value};
          },
          read_file};
}

}  // namespace understudy::credentials
