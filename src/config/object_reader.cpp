#include "config/object_reader.hpp"
#include "config/field_words.hpp"

#include <algorithm>
#include <charconv>

#include "config/scalars.hpp"

namespace understudy::config {
namespace {

std::string_view word(node::kind type) {
  switch (type) {
    case node::kind::null:
      return "nothing";
    case node::kind::scalar:
      return "a single value";
    case node::kind::sequence:
      return "a list";
    case node::kind::map:
      break;
  }
  return "a mapping";
}

/// What may be shown of a value: nothing that came from the environment, and nothing long.
std::string shown(const node& value) {
  if (value.is_substituted || value.text.size() > 80) return "the value";
  return "`" + value.text + "`";
}

std::string count_text(std::size_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string{noun} + (n == 1 ? "" : "s");
}

}  // namespace

void reading::tell(severity level, const position& at, std::string field, std::string message) {
  if (level == severity::error) ++errors;
  findings.push_back({level, std::string{at.file}, at.line, at.column, label, std::move(field),
                      std::move(message)});
}

object_reader::object_reader(reading& shared, const node& map, position at, std::string path)
    : shared_(shared), map_(map), at_(at), path_(std::move(path)) {}

std::string object_reader::path_of(std::string_view key) const {
  if (path_.empty()) return std::string{key};
  return path_ + "." + std::string{key};
}

void object_reader::error(const position& at, std::string_view key, std::string message) {
  shared_.tell(severity::error, at, key.empty() ? path_ : path_of(key), std::move(message));
}

void object_reader::warning(const position& at, std::string_view key, std::string message) {
  shared_.tell(severity::warning, at, key.empty() ? path_ : path_of(key), std::move(message));
}

bool object_reader::has(std::string_view key) const {
  return std::ranges::any_of(map_.entries, [&](const node::entry& e) {
    return e.key == key && e.value->type != node::kind::null;
  });
}

position object_reader::at_key(std::string_view key) const {
  const auto found = std::ranges::find(map_.entries, key, &node::entry::key);
  return found == map_.entries.end() ? at_ : found->at;
}

const node::entry* object_reader::take(std::string_view key) {
  known_.push_back(key);
  const auto found = std::ranges::find(map_.entries, key, &node::entry::key);
  if (found == map_.entries.end() || found->value->type == node::kind::null) return nullptr;
  return &*found;
}

void object_reader::missing(std::string_view key, std::string_view hint) {
  const auto place = at_key(key);  // the key itself when it is there without a value
  error(place, key,
        "required field is missing; write " + (hint.empty() ? "it" : std::string{hint}));
}

void object_reader::note_acts(std::string_view key, const node::entry& entry, acts when) {
  if (when == acts::not_yet)
    warning(entry.at, key, "does not act yet; it is checked and otherwise ignored");
}

const node* object_reader::scalar(const node& value, const std::string& path,
                                  std::string_view wanted) {
  if (value.type != node::kind::scalar) {
    shared_.tell(severity::error, value.at, path,
                 "is " + std::string{word(value.type)} + "; write " + std::string{wanted});
    return nullptr;
  }
  if (!value.problem.empty()) {
    shared_.tell(severity::error, value.problem_at, path, value.problem);
    return nullptr;
  }
  return &value;
}

bool object_reader::read_text(const node& value, const std::string& path, std::string& out,
                              const text_rules& rules) {
  if (scalar(value, path, "text") == nullptr) return false;
  const auto fail = [&](std::string message) {
    shared_.tell(severity::error, value.at, path, std::move(message));
    return false;
  };
  if (value.is_plain && !value.is_substituted && is_number_like(value.text))
    return fail("must be text, not a number or boolean; put it in quotes");
  if (value.text.empty() && !rules.is_empty_allowed && rules.is_required)
    return fail("must not be empty; write " +
                (rules.hint.empty() ? std::string{"it"} : std::string{rules.hint}));
  if (value.text.size() > rules.max_length)
    return fail("is longer than " + count_text(rules.max_length, "byte") + "; shorten it");
  if (!rules.choices.empty() && std::ranges::find(rules.choices, value.text) == rules.choices.end())
    return fail(shown(value) + " is no known value; " + suggestion(value.text, rules.choices));
  if (rules.check != nullptr && !value.text.empty())
    if (const auto problem = rules.check(value.text); !problem.empty())
      return fail(shown(value) + " " + problem);
  out = value.text;
  return true;
}

bool object_reader::text(std::string_view key, located<std::string>& out, const text_rules& rules) {
  if (is_noting()) note(key, text_type(rules), rules.when, rules.is_required, out.value);
  const auto* entry = take(key);
  if (entry == nullptr) {
    if (rules.is_required) missing(key, rules.hint);
    return false;
  }
  out.at = entry->value->at;
  if (!read_text(*entry->value, path_of(key), out.value, rules)) return false;
  out.is_written = true;
  note_acts(key, *entry, rules.when);
  return true;
}

bool object_reader::boolean(std::string_view key, located<bool>& out, acts when) {
  if (is_noting()) note(key, "`true`, `false`", when, false, out.value ? "true" : "");
  const auto* entry = take(key);
  if (entry == nullptr) return false;
  const auto* value = scalar(*entry->value, path_of(key), "`true` or `false`");
  if (value == nullptr) return false;
  out.at = value->at;
  const bool is_bare = value->is_plain || value->is_substituted;
  if (!is_bare || (value->text != "true" && value->text != "false")) {
    error(value->at, key,
          is_bare ? "must be a boolean; write `true` or `false`"
                  : "must be a boolean; write `true` or `false` without quotes");
    return false;
  }
  out.value = value->text == "true";
  out.is_written = true;
  note_acts(key, *entry, when);
  return true;
}

bool object_reader::duration(std::string_view key, located<std::chrono::milliseconds>& out,
                             const duration_rules& rules) {
  if (is_noting()) note(key, "duration", rules.when, false, duration_text(out.value));
  const auto* entry = take(key);
  if (entry == nullptr) return false;
  const auto* value = scalar(*entry->value, path_of(key), "a duration as in `30s`");
  if (value == nullptr) return false;
  out.at = value->at;
  const auto parsed = parse_duration(value->text);
  if (!parsed) {
    error(value->at, key,
          shown(*value) +
              " is no duration; write whole numbers of `h`, `m`, `s` or `ms` as in "
              "`30s` or `1m30s`");
    return false;
  }
  if (!rules.is_zero_allowed && parsed->count() == 0) {
    error(value->at, key, "must be longer than 0; write a duration as in `100ms`");
    return false;
  }
  out.value = *parsed;
  out.is_written = true;
  note_acts(key, *entry, rules.when);
  return true;
}

bool object_reader::quantity(std::string_view key, located<std::uint64_t>& out, acts when) {
  if (is_noting()) note(key, "size", when, false, number_text(out.value));
  const auto* entry = take(key);
  if (entry == nullptr) return false;
  const auto* value = scalar(*entry->value, path_of(key), "a size as in `50Mi`");
  if (value == nullptr) return false;
  out.at = value->at;
  const auto parsed = parse_quantity(value->text);
  if (!parsed) {
    error(value->at, key,
          shown(*value) + " is no size; write bytes as in `32768`, `64Ki` or `50Mi`");
    return false;
  }
  out.value = *parsed;
  out.is_written = true;
  note_acts(key, *entry, when);
  return true;
}

bool object_reader::read_number(const node& value, const std::string& path, std::int64_t& out,
                                const number_rules& rules) {
  if (scalar(value, path, "a number") == nullptr) return false;
  const auto range = std::to_string(rules.min) + " to " + std::to_string(rules.max);
  const auto* begin = value.text.data();
  const auto* end = begin + value.text.size();
  const auto [last, problem] = std::from_chars(begin, end, out);
  if (!value.is_plain && !value.is_substituted) {
    shared_.tell(severity::error, value.at, path,
                 "must be a number; write it without quotes, from " + range);
    return false;
  }
  if (problem == std::errc::invalid_argument || last != end) {
    shared_.tell(severity::error, value.at, path,
                 shown(value) + " is no whole number; write one from " + range);
    return false;
  }
  if (problem == std::errc::result_out_of_range || out < rules.min || out > rules.max) {
    shared_.tell(severity::error, value.at, path,
                 shown(value) + " is out of range; write a number from " + range);
    return false;
  }
  return true;
}

bool object_reader::read_number(std::string_view key, std::int64_t& out, position& at,
                                const number_rules& rules) {
  if (is_noting())
    note(key, number_type(rules), rules.when, rules.is_required,
         number_text(static_cast<std::uint64_t>(out)));
  const auto* entry = take(key);
  if (entry == nullptr) {
    if (rules.is_required) missing(key, "a number");
    return false;
  }
  at = entry->value->at;
  if (!read_number(*entry->value, path_of(key), out, rules)) return false;
  note_acts(key, *entry, rules.when);
  return true;
}

bool object_reader::list(std::string_view key, const std::function<void(object_reader&)>& read,
                         const list_rules& rules) {
  if (is_noting()) return note_inside(key, read, "list", rules.when, rules.is_required);
  const auto* entry = take(key);
  if (entry == nullptr) {
    if (rules.is_required) missing(key, rules.hint);
    return false;
  }
  const auto& value = *entry->value;
  if (value.type != node::kind::sequence) {
    error(value.at, key,
          "is " + std::string{word(value.type)} + "; write a list, each item behind `- `");
    return false;
  }
  if (value.items.size() < rules.min)
    error(value.at, key,
          "needs at least " + count_text(rules.min, "item") + "; write " +
              (rules.hint.empty() ? std::string{"it"} : std::string{rules.hint}));
  if (value.items.size() > rules.max) {
    error(value.at, key,
          "has " + count_text(value.items.size(), "item") + "; write at most " +
              std::to_string(rules.max));
    return false;
  }
  note_acts(key, *entry, rules.when);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const auto path = path_of(key) + "[" + std::to_string(i) + "]";
    const auto& item = *value.items[i];
    if (item.type != node::kind::map) {
      shared_.tell(severity::error, item.at, path,
                   "is " + std::string{word(item.type)} + "; write a mapping of fields");
      continue;
    }
    object_reader inner{shared_, item, item.at, path};
    read(inner);
    inner.finish();
  }
  return true;
}

bool object_reader::texts(std::string_view key, std::vector<located<std::string>>& out,
                          const list_rules& rules, const text_rules& each) {
  if (is_noting()) note(key, "list of " + text_type(each), rules.when, rules.is_required);
  const auto* entry = take(key);
  if (entry == nullptr) {
    if (rules.is_required) missing(key, rules.hint);
    return false;
  }
  const auto& value = *entry->value;
  if (value.type != node::kind::sequence) {
    error(value.at, key,
          "is " + std::string{word(value.type)} + "; write a list, each item behind `- `");
    return false;
  }
  if (value.items.size() > rules.max || value.items.size() < rules.min) {
    error(value.at, key,
          "has " + count_text(value.items.size(), "item") + "; write " + std::to_string(rules.min) +
              " to " + std::to_string(rules.max));
    return false;
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    located<std::string> item;
    item.at = value.items[i]->at;
    item.is_written = true;
    if (read_text(*value.items[i], path_of(key) + "[" + std::to_string(i) + "]", item.value, each))
      out.push_back(std::move(item));
  }
  note_acts(key, *entry, rules.when);
  return true;
}

bool object_reader::numbers(std::string_view key, std::vector<located<int>>& out,
                            const number_rules& each, const list_rules& rules) {
  if (is_noting()) note(key, "list of " + number_type(each), rules.when, rules.is_required);
  const auto* entry = take(key);
  if (entry == nullptr) return false;
  const auto& value = *entry->value;
  if (value.type != node::kind::sequence) {
    error(value.at, key,
          "is " + std::string{word(value.type)} + "; write a list, each item behind `- `");
    return false;
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    std::int64_t number = 0;
    if (!read_number(*value.items[i], path_of(key) + "[" + std::to_string(i) + "]", number, each))
      continue;
    located<int> item{static_cast<int>(number)};
    item.at = value.items[i]->at;
    item.is_written = true;
    out.push_back(item);
  }
  note_acts(key, *entry, rules.when);
  return true;
}

bool object_reader::text_map(std::string_view key,
                             std::map<std::string, located<std::string>>& out) {
  if (is_noting()) note(key, "mapping of text");
  const auto* entry = take(key);
  if (entry == nullptr) return false;
  const auto& value = *entry->value;
  if (value.type != node::kind::map) {
    error(value.at, key, "is " + std::string{word(value.type)} + "; write a mapping of text");
    return false;
  }
  for (const auto& e : value.entries) {
    auto& item = out[e.key];
    item.at = e.value->at;
    item.is_written = true;
    if (e.value->type == node::kind::null) continue;
    read_text(*e.value, path_of(key) + "." + e.key, item.value,
              {.max_length = 4U << 20U, .is_empty_allowed = true});
  }
  return true;
}

bool object_reader::object(std::string_view key, const std::function<void(object_reader&)>& read,
                           bool is_required, std::string_view hint) {
  if (is_noting()) return note_inside(key, read, "mapping", acts::now, is_required);
  const auto* entry = take(key);
  if (entry == nullptr) {
    if (is_required) missing(key, hint.empty() ? "a mapping of fields" : hint);
    return false;
  }
  const auto& value = *entry->value;
  if (value.type != node::kind::map) {
    error(value.at, key, "is " + std::string{word(value.type)} + "; write a mapping of fields");
    return false;
  }
  object_reader inner{shared_, value, entry->at, path_of(key)};
  read(inner);
  inner.finish();
  return true;
}

void object_reader::harmless(std::initializer_list<std::string_view> keys) {
  if (is_noting())
    for (const auto key : keys) note(key, "read over");
  known_.insert(known_.end(), keys);
}

void object_reader::not_acting(std::initializer_list<std::string_view> keys) {
  if (is_noting())
    for (const auto key : keys) note(key, "", acts::not_yet);
  for (const auto key : keys)
    if (const auto* entry = take(key); entry != nullptr)
      warning(entry->at, key, "does not act yet; it is ignored");
}

void object_reader::refused(std::string_view key, std::string_view message) {
  if (const auto* entry = take(key); entry != nullptr) error(entry->at, key, std::string{message});
  known_.pop_back();  // never suggested
  known_refused_.push_back(key);
}

void object_reader::finish() {
  for (const auto& entry : map_.entries) {
    if (std::ranges::find(known_, entry.key) != known_.end() ||
        std::ranges::find(known_refused_, entry.key) != known_refused_.end())
      continue;
    auto message = "unknown field `" + entry.key + "`; ";
    if (known_.size() <= 12 || !nearest(entry.key, known_).empty())
      message += suggestion(entry.key, known_);
    else
      message += "remove it";
    shared_.tell(shared_.is_lenient ? severity::warning : severity::error, entry.at, path_,
                 std::move(message));
  }
}

}  // namespace understudy::config
