#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <understudy/config/findings.hpp>

namespace understudy::config {

/// All objects of all files, typed, defaults filled in, each field with its position. Defined in
/// config/documents.hpp; opaque here so that the YAML library stays inside this room.
struct documents;

struct load_options {
  bool is_lenient = false;  ///< an unknown field is a warning
  /// Looks an environment variable up; absent means unset.
  std::function<std::optional<std::string>(const std::string&)> environment;
  /// Contents of a file that a configuration names (Secret annotations); nothing when it can't be
  /// read. load_paths reads the real one when this is empty.
  std::function<std::optional<std::string>(const std::string&)> read_file;
};

struct source_file {
  std::string name;  ///< as findings show it
  std::string text;
};

struct load_result {
  std::shared_ptr<const documents> loaded;  ///< never null; objects with errors may be missing
  std::vector<finding> findings;
  std::vector<std::string> files;  ///< everything that was read, for the watcher
};

/// Files and folders (every *.yaml and *.yml in a folder, sorted), in the order given.
load_result load_paths(const std::vector<std::string>& paths, const load_options& options);
/// The same from memory: the embedded default, tests, fuzzing.
load_result load_texts(const std::vector<source_file>& sources, const load_options& options);

}  // namespace understudy::config
