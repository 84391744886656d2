#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <understudy/config/documents.hpp>
#include <understudy/config/load.hpp>

#include "config/kinds.hpp"
#include "config/object_reader.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"
#include "config/yaml_tree.hpp"

namespace understudy::config {
namespace {

namespace fs = std::filesystem;

struct type_name {
  std::string group, version;
};

type_name split_api_version(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

bool has_version(const kind_entry& entry, std::string_view version) {
  auto rest = entry.versions;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    if (rest.substr(0, space) == version) return true;
    rest = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
  }
  return false;
}

std::string api_versions(const kind_entry& entry) {
  std::string out;
  auto rest = entry.versions;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    if (!out.empty()) out += ", ";
    out += '`';
    if (!entry.group.empty()) out += std::string{entry.group} + '/';
    out += std::string{rest.substr(0, space)} + '`';
    rest = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
  }
  return out;
}

/// Objects told of together, once a kind.
struct mention {
  position at;
  std::string label;
  std::size_t count = 0;
};

class loader {
 public:
  loader(const load_options& options, load_result& result)
      : options_(options), result_(result), context_{*documents_, options.environment, {}} {
    context_.file = [this](const std::string& path) { return named_file(path); };
  }

  void add(const source_file& source) {
    const std::string_view file = documents_->files.emplace_back(source.name);
    const auto parsed = parse_yaml(file, source.text, options_.environment);
    for (const auto& problem : parsed.problems) {
      documents_->is_incomplete = true;
      const bool is_known = problem.document.has_value();
      tell(severity::error, problem.at,
           is_known && *problem.document < parsed.documents.size()
               ? peek_label(*parsed.documents[*problem.document])
               : "",
           problem.message);
    }
    for (const auto& document : parsed.documents) read(*document);
  }

  void tell(severity level, const position& at, std::string label, std::string message) {
    result_.findings.push_back({level,
                                std::string{at.file},
                                at.line,
                                at.column,
                                std::move(label),
                                {},
                                std::move(message)});
  }

  void finish() {
    for (const auto& [kind, seen] : ignored_)
      tell(severity::info, seen.at, seen.label,
           kind + " does nothing on a host; " +
               (seen.count == 1 ? "it is" : "all " + std::to_string(seen.count) + " are") +
               " ignored");
    for (const auto& [kind, seen] : unknown_) tell(severity::warning, seen.at, seen.label, kind);
    if (unnamed_space_.count > 0)
      tell(severity::info, unnamed_space_.at, unnamed_space_.label,
           unnamed_space_.count == 1
               ? "metadata.namespace: not written; `default` is used"
               : "metadata.namespace: not written here and in " +
                     std::to_string(unnamed_space_.count - 1) + " more; `default` is used");
    documents_->has_errors = has_error(result_.findings);
    result_.loaded = documents_;
  }

 private:
  void read(const node& document) {
    reading shared{.findings = result_.findings,
                   .is_lenient = options_.is_lenient,
                   .label = peek_label(document)};
    if (document.type != node::kind::map) {
      shared.tell(severity::error, document.at, "",
                  "is no object; write `apiVersion`, `kind` and the rest");
      documents_->is_incomplete = true;
      return;
    }
    object_reader root{shared, document, document.at, ""};
    located<std::string> api_version, kind;
    root.text("apiVersion", api_version, {.is_required = true, .hint = "it, as in `v1`"});
    root.text("kind", kind, {.is_required = true, .hint = "the kind of the object"});
    if (shared.errors > 0) {
      documents_->is_incomplete = true;
      return;
    }
    const auto type = split_api_version(api_version.value);
    if (kind.value == "List" && type.group.empty()) {
      read_list(document);
      return;
    }
    const auto* entry = find_kind(shared, type, api_version, kind);
    if (entry == nullptr) return;
    if (entry->use == kind_use::read)
      read_object(root, *entry, type, document);
    else
      note_unread(*entry, document);
  }

  /// `kind: List`, as kubectl prints it.
  void read_list(const node& document) {
    const auto items = std::ranges::find(document.entries, "items", &node::entry::key);
    if (items == document.entries.end() || items->value->type != node::kind::sequence) return;
    for (const auto& item : items->value->items) read(*item);
  }

  const kind_entry* find_kind(reading& shared, const type_name& type,
                              const located<std::string>& api_version,
                              const located<std::string>& kind) {
    const kind_entry* same_name = nullptr;
    std::vector<std::string_view> names;
    for (const auto& entry : all_kinds()) {
      if (entry.kind == kind.value && entry.group == type.group) {
        if (has_version(entry, type.version)) return &entry;
        shared.tell(
            severity::error, api_version.at, "apiVersion",
            "`" + type.version + "` is no known version; write one of " + api_versions(entry));
        documents_->is_incomplete = true;
        return nullptr;
      }
      if (entry.kind == kind.value) same_name = &entry;
      if (entry.group == type.group) names.push_back(entry.kind);
    }
    if (same_name != nullptr) {
      const std::array<std::string_view, 1> group{same_name->group};
      if (!nearest(type.group, group).empty() || type.group.empty()) {
        shared.tell(severity::error, api_version.at, "apiVersion",
                    "`" + api_version.value + "` has no such kind; write one of " +
                        api_versions(*same_name));
        documents_->is_incomplete = true;
        return nullptr;
      }
    }
    const auto near = nearest(kind.value, names);
    auto& seen =
        unknown_["unknown kind `" + kind.value + "` of `" + api_version.value + "`; it is ignored" +
                 (near.empty() ? "" : ", did you mean `" + near + "`?")];
    if (seen.count++ == 0) seen.at = kind.at;
    return nullptr;
  }

  void note_unread(const kind_entry& entry, const node& document) {
    object_header header;
    reading silent{.findings = unheard_};
    object_reader root{silent, document, document.at, ""};
    read_metadata(root, header);
    header.kind = entry.kind;
    if (entry.use == kind_use::not_acting) {
      tell(severity::warning, document.at, header.label(),
           "this kind does not act yet; it is ignored");
      return;
    }
    auto& seen = ignored_[header.kind];
    if (seen.count++ == 0) {
      seen.at = document.at;
      seen.label = header.label();
    }
  }

  static void read_metadata(object_reader& root, object_header& header) {
    root.object(
        "metadata",
        [&](object_reader& in) {
          located<std::string> name, name_space;
          std::map<std::string, located<std::string>> labels;
          if (in.text("name", name,
                      {.is_required = true,
                       .hint = "a name",
                       .max_length = 253,
                       .check = check_object_name}))
            header.name = name.value;
          if (in.text("namespace", name_space, {.check = check_label})) {
            header.name_space = name_space.value;
            header.is_namespace_written = true;
          }
          in.text_map("labels", labels);
          in.text_map("annotations", header.annotations);
          in.harmless({"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp",
                       "finalizers", "generateName", "generation", "managedFields",
                       "ownerReferences", "resourceVersion", "selfLink", "uid"});
        },
        true, "`metadata: {name: …}`");
  }

  void read_object(object_reader& root, const kind_entry& entry, const type_name& type,
                   const node& document) {
    auto& shared = root.shared();
    object_header header;
    header.kind = entry.kind;
    header.version = type.version;
    header.at = document.at;
    shared.label = header.kind;
    const auto metadata = peek_name(document);
    header.name = metadata.first;
    if (!metadata.second.empty()) header.name_space = metadata.second;
    if (!header.name.empty()) shared.label = header.label();
    read_metadata(root, header);
    root.harmless({"status"});
    if (header.name.empty()) {
      documents_->is_incomplete = true;
      return;
    }
    if (!is_first(header, type.group)) return;
    if (!header.is_namespace_written && unnamed_space_.count++ == 0) {
      unnamed_space_.at = header.at;
      unnamed_space_.label = header.label();
    }
    auto& stored = entry.read(root, std::move(header), context_);
    root.finish();
    stored.is_broken = shared.errors > 0;
  }

  /// Name and namespace ahead of the reading, so that its findings can name the object.
  static std::pair<std::string, std::string> peek_name(const node& document) {
    std::pair<std::string, std::string> out;
    for (const auto& e : document.entries)
      if (e.key == "metadata")
        for (const auto& field : e.value->entries) {
          if (field.key == "name") out.first = field.value->text;
          if (field.key == "namespace") out.second = field.value->text;
        }
    return out;
  }

  static std::string peek_label(const node& document) {
    for (const auto& e : document.entries)
      if (e.key == "kind" && e.value->type == node::kind::scalar) {
        const auto [name, name_space] = peek_name(document);
        return e.value->text + " " + (name_space.empty() ? "default" : name_space) + "/" + name;
      }
    return {};
  }

  bool is_first(const object_header& header, const std::string& group) {
    const auto [known, is_new] =
        seen_.try_emplace(group + "/" + header.kind + " " + header.id(), header.at);
    if (!is_new)
      tell(severity::error, header.at, header.label(),
           "is defined twice, first at " + std::string{known->second.file} + ":" +
               std::to_string(known->second.line) + "; remove one of the two");
    return is_new;
  }

  std::optional<std::string> named_file(const std::string& path) {
    if (!options_.read_file) return std::nullopt;
    auto full = path;
    if (path.starts_with("~/") && options_.environment)
      if (const auto home = options_.environment("HOME")) full = *home + path.substr(1);
    result_.files.push_back(full);
    return options_.read_file(full);
  }

  const load_options& options_;
  load_result& result_;
  std::shared_ptr<documents> documents_ = std::make_shared<documents>();
  kind_context context_;
  std::map<std::string, position> seen_;
  std::map<std::string, mention> ignored_, unknown_;
  mention unnamed_space_;
  std::vector<finding> unheard_;
};

std::optional<std::string> read_whole(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return std::nullopt;
  std::ifstream in{path, std::ios::binary};
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (in.bad()) return std::nullopt;
  return text;
}

/// The YAML files of a folder, sorted; a file stands for itself.
std::vector<std::string> expand(const std::string& path, std::string& problem) {
  std::error_code failed;
  if (!fs::exists(path, failed)) {
    problem = "no such file or folder";
    return {};
  }
  if (!fs::is_directory(path, failed)) return {path};
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(path, failed)) {
    const auto extension = entry.path().extension();
    if ((extension == ".yaml" || extension == ".yml") && !entry.is_directory(failed))
      out.push_back(entry.path().string());
  }
  std::ranges::sort(out);
  if (out.empty()) problem = "the folder holds no *.yaml and no *.yml file";
  return out;
}

}  // namespace

load_result load_paths(const std::vector<std::string>& paths, const load_options& options) {
  auto with_files = options;
  if (!with_files.read_file) with_files.read_file = read_whole;
  load_result result;
  loader load{with_files, result};
  const auto fail = [&](const std::string& path, const std::string& problem) {
    result.findings.push_back({severity::error, path, 0, 0, {}, {}, problem});
  };
  for (const auto& path : paths) {
    std::string problem;
    const auto files = expand(path, problem);
    if (!problem.empty()) fail(path, problem);
    for (const auto& file : files) {
      result.files.push_back(file);
      auto text = read_whole(file);
      if (text)
        load.add({file, std::move(*text)});
      else
        fail(file, "can't be read");
    }
  }
  load.finish();
  return result;
}

load_result load_texts(const std::vector<source_file>& sources, const load_options& options) {
  load_result result;
  loader load{options, result};
  for (const auto& source : sources) {
    result.files.push_back(source.name);
    load.add(source);
  }
  load.finish();
  return result;
}

}  // namespace understudy::config
