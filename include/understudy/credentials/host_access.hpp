#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace understudy::credentials {

/// What the look-ups may see of the machine; real in the daemon, tables in tests.
struct host_access {
  std::function<std::optional<std::string>(const std::string&)> environment;
  std::function<std::optional<std::string>(const std::string&)> read_file;
  /// Where `HOST:PORT` is to be found instead (`--resolve`): an address and port, or nothing.
  using address = std::pair<std::string, std::uint16_t>;
  std::function<std::optional<address>(const std::string&)> pinned = {};

  /// A variable without the blanks at its ends: a value read from a file often has a newline.
  std::string get(const std::string& name) const;
};
/// The process's own environment and files (at most 1 MiB each).
host_access real_host();

}  // namespace understudy::credentials
