#pragma once
#include <map>
#include <string>
#include <understudy/credentials/aws_chain.hpp>

namespace understudy::credentials::tests {

using table = std::map<std::string, std::string>;

/// Environment and files from tables, which may change while they are in use.
struct fake_host {
  table environment, files;

  host_access access() const {
    const auto look_up = [](const table& from) {
      return [&from](const std::string& key) -> std::optional<std::string> {
        const auto found = from.find(key);
        if (found == from.end()) return std::nullopt;
        return found->second;
      };
    };
    return {look_up(environment), look_up(files)};
  }
};

}  // namespace understudy::credentials::tests
