#include <understudy/config/reference.hpp>

#include <algorithm>

#include "config/kinds.hpp"
#include "config/object_reader.hpp"

namespace understudy::config {

void object_reader::note(std::string_view key, std::string type, acts when, bool is_required,
                         std::string usual) {
  shared_.notes->push_back(
      {path_of(key), std::move(type), std::move(usual), is_required, when == acts::now, {}});
}

bool object_reader::note_inside(std::string_view key,
                                const std::function<void(object_reader&)>& read,
                                std::string_view type, acts when, bool is_required) {
  static const node nothing{};
  const bool is_list = type == "list";
  note(key, std::string{type}, when, is_required);
  object_reader inner{shared_, nothing, {}, path_of(key) + (is_list ? "[]" : "")};
  read(inner);
  return false;
}

namespace {

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto space = text.find(' ');
    out.push_back(text.substr(0, space));
    text = space == text.npos ? std::string_view{} : text.substr(space + 1);
  }
  return out;
}

std::vector<field_note> fields_of(const kind_entry& entry, std::string_view version) {
  std::vector<finding> unheard;
  std::vector<field_note> notes;
  documents unused;
  reading shared{.findings = unheard};
  shared.notes = &notes;
  kind_context context{unused, {}, {}};
  static const node nothing{};
  object_reader root{shared, nothing, {}, ""};
  object_header header;
  header.kind = entry.kind;
  header.version = version;
  entry.read(root, std::move(header), context);
  return notes;
}

bool has_path(const std::vector<field_note>& notes, const std::string& path) {
  return std::ranges::find(notes, path, &field_note::path) != notes.end();
}

/// A field asked for twice, as of a `targetRef` beside `targetRefs`, is one.
void add(std::vector<field_note>& all, const std::vector<field_note>& more) {
  for (const auto& note : more)
    if (!has_path(all, note.path)) all.push_back(note);
}

/// Fields of all versions; those that only one has say so.
std::vector<field_note> all_fields(const kind_entry& entry) {
  const auto versions = words(entry.versions);
  std::vector<std::vector<field_note>> each;
  for (const auto version : versions) each.push_back(fields_of(entry, version));
  std::vector<field_note> all;
  for (std::size_t i = 0; i < each.size(); ++i) {
    for (auto& note : each[i])
      if (std::ranges::any_of(each, [&](const auto& v) { return !has_path(v, note.path); }))
        note.version = versions[i];
    add(all, each[i]);
  }
  return all;
}

kind_note::use use_of(kind_use use) {
  if (use == kind_use::read) return kind_note::use::read;
  return use == kind_use::ignored ? kind_note::use::ignored : kind_note::use::not_acting;
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string{"\\|"} : std::string{c};
  return out;
}

std::string row(const field_note& f) {
  std::string notes = f.type == "read over" ? "does nothing here" : f.is_acting ? "acts" : "warns";
  if (f.is_required) notes += ", required";
  if (!f.version.empty()) notes += ", " + std::string{f.version} + " only";
  return "| `" + f.path + "` | " + cell(f.type == "read over" ? "" : f.type) + " | " +
         (f.usual.empty() ? "" : "`" + cell(f.usual) + "`") + " | " + notes + " |\n";
}

std::string section(const kind_note& kind) {
  std::string out = "\n## " + std::string{kind.kind} + "\n\n`";
  if (!kind.group.empty()) out += std::string{kind.group} + "/";
  const auto versions = words(kind.versions);
  out += std::string{versions.front()} + "`";
  for (std::size_t i = 1; i < versions.size(); ++i) out += ", `" + std::string{versions[i]} + "`";
  out += "\n\n| field | value | unless written | |\n| --- | --- | --- | --- |\n";
  for (const auto& field : kind.fields) out += row(field);
  return out;
}

std::string names(const std::vector<kind_note>& kinds, kind_note::use use) {
  std::string out;
  for (const auto& kind : kinds)
    if (kind.what == use) out += (out.empty() ? "" : ", ") + std::string{kind.kind};
  return out + ".\n";
}

constexpr auto head = R"(# Every kind and field

What the readers of this build ask for, printed by `understudy kinds`; `./dev docs` writes this page
and a test holds it to the program. What the fields mean, and which defaults come from elsewhere, is
in [configuration.md](configuration.md).

*acts*: does what it says. *warns*: read or checked, does nothing yet, and `validate` says so.
An empty "unless written" is nothing, 0 or false, or a default that depends on the rest.
)";

}  // namespace

std::vector<kind_note> describe_kinds() {
  std::vector<kind_note> out;
  for (const auto& entry : all_kinds()) {
    kind_note kind{entry.kind, entry.group, entry.versions, use_of(entry.use), {}};
    if (entry.use == kind_use::read) kind.fields = all_fields(entry);
    out.push_back(std::move(kind));
  }
  return out;
}

std::string reference_page(std::string_view only) {
  const auto kinds = describe_kinds();
  std::string out;
  for (const auto& kind : kinds)
    if (kind.what == kind_note::use::read && (only.empty() || only == kind.kind))
      out += section(kind);
  if (!only.empty()) return out.empty() ? out : out.substr(1);
  return head + out + "\n## Kinds that do not act yet\n\nA warning for each object: " +
         names(kinds, kind_note::use::not_acting) +
         "\n## Kinds of a cluster\n\nThey do nothing on a host and are named once: " +
         names(kinds, kind_note::use::ignored);
}

}  // namespace understudy::config
