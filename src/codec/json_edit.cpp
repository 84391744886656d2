#include <understudy/codec/json_edit.hpp>

#include <algorithm>
#include <charconv>
#include <vector>

namespace understudy::codec {
namespace {

constexpr long max_index = 4096;  // an index beyond the end is padded with nulls
constexpr std::size_t max_path_parts = 64;

struct path_part {
  std::string name;
  bool is_forced_name = false;

  /// Index, -1 (append), or nothing when it is a name.
  std::optional<long> index() const {
    if (is_forced_name || name.empty() || name.size() > 9) return std::nullopt;
    if (name == "-1") return -1;
    long value = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), value);
    if (ec != std::errc{} || end != name.data() + name.size() || value < 0) return std::nullopt;
    return value;
  }
};

using parts = std::vector<path_part>;

std::optional<parts> split_path(std::string_view path) {
  if (path.empty()) return std::nullopt;
  parts out(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    auto& part = out.back();
    if (c == '.') {
      if (out.size() == max_path_parts) return std::nullopt;
      out.emplace_back();
    } else if (c == ':' && part.name.empty() && !part.is_forced_name) {
      part.is_forced_name = true;
    } else if (c == '\\' && i + 1 < path.size()) {
      part.name.push_back(path[++i]);
    } else if (c == '*' || c == '?' || c == '#' || c == '|' || c == '@') {
      return std::nullopt;
    } else {
      part.name.push_back(c);
    }
  }
  const bool is_bounded = std::ranges::none_of(
      out, [](const path_part& part) { return part.index().value_or(0) > max_index; });
  if (!is_bounded) return std::nullopt;
  return out;
}

json_error path_error() { return {"unsupported path of a mutation", 0}; }

/// JSON that holds `json` at the rest of the path, made anew.
std::string build(const parts& path, std::size_t from, std::string_view json) {
  std::string out;
  std::string closing;
  for (std::size_t i = from; i < path.size(); ++i) {
    if (const auto index = path[i].index()) {
      out.push_back('[');
      for (long n = 0; n < *index; ++n) out += "null,";
      closing.push_back(']');
    } else {
      out.push_back('{');
      append_json_string(out, path[i].name);
      out.push_back(':');
      closing.push_back('}');
    }
  }
  out += json;
  out.append(closing.rbegin(), closing.rend());
  return out;
}

/// Where in the text a part of the path leads.
struct place {
  bool is_found = false;
  json_value value;              ///< when found
  std::size_t count = 0;         ///< elements or members of the container
  std::size_t begin = 0;         ///< of the member or element with its name
  std::size_t previous_end = 0;  ///< end of the one before it; 0: it is the first
  std::size_t next_begin = 0;    ///< begin of the one behind it; 0: it is the last
};

class editor {
 public:
  editor(std::string_view body, parts path) : body_{body}, path_{std::move(path)} {}

  std::string set(std::string_view json) const {
    json_value container{json_kind::object, body_};
    for (std::size_t depth = 0; depth < path_.size(); ++depth) {
      const auto& part = path_[depth];
      const auto found = find(container, part);
      if (!found.is_found) return insert(container, found, depth, json);
      const bool is_last = depth + 1 == path_.size();
      const bool is_container =
          found.value.kind == json_kind::object || found.value.kind == json_kind::array;
      if (is_last) return replace(found.value.text, json);
      if (!is_container || !fits(found.value.kind, path_[depth + 1]))
        return replace(found.value.text, build(path_, depth + 1, json));
      container = found.value;
    }
    return std::string{body_};
  }

  std::string remove() const {
    json_value container{json_kind::object, body_};
    for (std::size_t depth = 0; depth < path_.size(); ++depth) {
      const auto found = find(container, path_[depth]);
      if (!found.is_found) break;
      if (depth + 1 == path_.size()) return cut(found);
      container = found.value;
      if (container.kind != json_kind::object && container.kind != json_kind::array) break;
    }
    return std::string{body_};
  }

 private:
  static bool fits(json_kind container, const path_part& part) {
    return container == json_kind::object || part.index().has_value();
  }

  std::size_t offset(const char* p) const { return static_cast<std::size_t>(p - body_.data()); }

  place find(const json_value& container, const path_part& part) const {
    place out;
    const bool is_object = container.kind == json_kind::object;
    const auto index = part.index();
    json_reader reader{container.text};
    std::size_t previous_end = 0;
    while (reader.next()) {
      const auto& value = reader.value();
      const auto begin =
          is_object ? offset(reader.raw_key().data()) - 1 : offset(value.text.data());
      if (out.is_found && out.next_begin == 0) out.next_begin = begin;
      const bool is_wanted =
          is_object ? reader.is_key(part.name) : index && *index == static_cast<long>(out.count);
      if (is_wanted) {
        out.is_found = true;
        out.value = value;
        out.begin = begin;
        out.previous_end = previous_end;
        out.next_begin = 0;
      }
      previous_end = offset(value.text.data()) + value.text.size();
      ++out.count;
    }
    return out;
  }

  std::string replace(std::string_view old, std::string_view json) const {
    return splice(offset(old.data()), old.size(), json);
  }

  std::string splice(std::size_t at, std::size_t length, std::string_view text) const {
    std::string out;
    out.reserve(body_.size() + text.size());
    out.append(body_.substr(0, at)).append(text).append(body_.substr(at + length));
    return out;
  }

  std::string insert(const json_value& container, const place& where, std::size_t depth,
                     std::string_view json) const {
    const bool is_object = container.kind == json_kind::object;
    std::string text;
    if (where.count > 0) text.push_back(',');
    if (is_object) {
      append_json_string(text, path_[depth].name);
      text.push_back(':');
    } else {
      const auto index = path_[depth].index().value_or(-1);
      const auto missing = index < 0 ? 0 : static_cast<std::size_t>(index) - where.count;
      for (std::size_t n = 0; n < missing; ++n) text += "null,";
    }
    text += build(path_, depth + 1, json);
    const auto closing = container.text.find_last_of(is_object ? '}' : ']');
    return splice(offset(container.text.data()) + closing, 0, text);
  }

  std::string cut(const place& found) const {
    const auto end = offset(found.value.text.data()) + found.value.text.size();
    if (found.next_begin != 0) return splice(found.begin, found.next_begin - found.begin, "");
    const auto begin = found.previous_end != 0 ? found.previous_end : found.begin;
    return splice(begin, end - begin, "");
  }

  std::string_view body_;
  parts path_;
};

std::optional<json_error> check_object(std::string_view body) {
  if (const auto error = check_json(body)) return error;
  const auto first = body.find_first_not_of(" \t\r\n");
  if (body[first] != '{') return json_error{"expected an object", first};
  return std::nullopt;
}

bool looks_numeric(std::string_view text) {
  const char first = text.front();
  return (first == '-' || first == '+' || (first >= '0' && first <= '9')) &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

}  // namespace

edit_result replace_top_level(std::string_view body, std::string_view name, std::string_view json) {
  std::string out;
  out.reserve(body.size() + name.size() + json.size() + 4);
  std::size_t copied = 0;
  bool is_first = true;
  json_reader reader{body};
  if (!reader.failure() && reader.kind() != json_kind::object)
    return json_error{"expected an object", 0};
  bool is_empty = true;
  while (reader.next()) {
    is_empty = false;
    if (!reader.is_key(name)) continue;
    const auto at = static_cast<std::size_t>(reader.value().text.data() - body.data());
    out.append(body.substr(copied, at - copied)).append(json);
    copied = at + reader.value().text.size();
    is_first = false;
  }
  if (reader.failure()) return *reader.failure();
  if (is_first) {
    const auto brace = body.find('{') + 1;
    out.append(body.substr(0, brace));
    append_json_string(out, name);
    out.append(":").append(json);
    if (!is_empty) out.push_back(',');
    copied = brace;
  }
  out.append(body.substr(copied));
  return out;
}

edit_result replace_top_level_string(std::string_view body, std::string_view name,
                                     std::string_view value) {
  std::string json;
  append_json_string(json, value);
  return replace_top_level(body, name, json);
}

edit_result set_at(std::string_view body, std::string_view path, std::string_view json) {
  auto split = split_path(path);
  if (!split) return path_error();
  if (const auto error = check_object(body)) return *error;
  if (const auto error = check_json(json)) return *error;
  return editor{body, std::move(*split)}.set(json);
}

edit_result remove_at(std::string_view body, std::string_view path) {
  auto split = split_path(path);
  if (!split) return path_error();
  if (const auto error = check_object(body)) return *error;
  return editor{body, std::move(*split)}.remove();
}

std::string mutation_value_to_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  std::string_view trimmed;
  if (first != std::string_view::npos)
    trimmed = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  const auto is_wrapped = [trimmed](char open, char close) {
    return trimmed.size() >= 2 && trimmed.front() == open && trimmed.back() == close;
  };
  const bool is_raw = trimmed == "true" || trimmed == "false" || trimmed == "null" ||
                      is_wrapped('"', '"') || is_wrapped('{', '}') || is_wrapped('[', ']') ||
                      (!trimmed.empty() && looks_numeric(trimmed));
  if (is_raw) return std::string{trimmed};
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace understudy::codec
