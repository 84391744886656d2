#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/config/findings.hpp>
#include <understudy/config/position.hpp>
#include <understudy/config/reference.hpp>

#include "config/yaml_tree.hpp"

namespace understudy::config {

/// Does a field do anything yet? `not_yet` makes a written field a warning: this mark beside the
/// field is the only place to change when it starts to act.
enum class acts : std::uint8_t { now, not_yet };

/// Empty when the text is fine, else "is no …; write …".
using text_check = std::string (*)(std::string_view);

struct text_rules {
  bool is_required = false;
  std::string_view hint = {};  ///< what to write where a required field is missing
  std::size_t max_length = 4096;
  text_check check = nullptr;
  std::span<const std::string_view> choices = {};
  acts when = acts::now;
  bool is_empty_allowed = false;
};

struct number_rules {
  bool is_required = false;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int32_t>::max();
  acts when = acts::now;
};

struct duration_rules {
  bool is_zero_allowed = true;
  acts when = acts::now;
};

struct list_rules {
  bool is_required = false;
  std::size_t min = 0;
  std::size_t max = 4096;
  std::string_view hint = {};
  acts when = acts::now;
};

/// What the reading of one document shares.
struct reading {
  std::vector<finding>& findings;
  bool is_lenient = false;
  std::string label = {};  ///< `Backend default/a`, known once the metadata was read
  std::size_t errors = 0;
  /// Where it is set, nothing is read: every field that is asked for is written down here.
  std::vector<field_note>* notes = nullptr;

  void tell(severity level, const position& at, std::string field, std::string message);
};

/// Reads the fields of one mapping, and at the end tells the ones nobody asked for. Every problem
/// becomes a finding at its place; the output then keeps its default.
class object_reader {
 public:
  /// `map` must outlive the reader.
  object_reader(reading& shared, const node& map, position at, std::string path);
  object_reader(const object_reader&) = delete;
  object_reader& operator=(const object_reader&) = delete;

  bool text(std::string_view key, located<std::string>& out, const text_rules& rules = {});
  bool boolean(std::string_view key, located<bool>& out, acts when = acts::now);
  bool duration(std::string_view key, located<std::chrono::milliseconds>& out,
                const duration_rules& rules = {});
  bool quantity(std::string_view key, located<std::uint64_t>& out, acts when = acts::now);
  template <class Int>
  bool number(std::string_view key, located<Int>& out, const number_rules& rules = {}) {
    std::int64_t value = static_cast<std::int64_t>(out.value);
    position at;
    if (!read_number(key, value, at, rules)) return false;
    out.value = static_cast<Int>(value);
    out.at = at;
    out.is_written = true;
    return true;
  }
  bool texts(std::string_view key, std::vector<located<std::string>>& out,
             const list_rules& rules = {}, const text_rules& each = {});
  bool numbers(std::string_view key, std::vector<located<int>>& out, const number_rules& each,
               const list_rules& rules = {});
  /// A mapping of free keys to text.
  bool text_map(std::string_view key, std::map<std::string, located<std::string>>& out);

  /// Calls `read` with a reader of the mapping under `key`, when it is there.
  bool object(std::string_view key, const std::function<void(object_reader&)>& read,
              bool is_required = false, std::string_view hint = {});
  /// Calls `read` for each mapping of the list under `key`.
  bool list(std::string_view key, const std::function<void(object_reader&)>& read,
            const list_rules& rules = {});

  /// The same into an optional struct with a free function `read_fields(object_reader&, T&)`.
  template <class T>
  bool into(std::string_view key, std::optional<T>& out, bool is_required = false,
            std::string_view hint = {}) {
    return object(
        key, [&](object_reader& in) { read_fields(in, out.emplace()); }, is_required, hint);
  }
  template <class T>
  bool into(std::string_view key, std::vector<T>& out, const list_rules& rules = {}) {
    return list(
        key, [&](object_reader& in) { read_fields(in, out.emplace_back()); }, rules);
  }

  /// Known fields that are read over without a word.
  void harmless(std::initializer_list<std::string_view> keys);
  /// Known fields that do not act yet, their contents unread.
  void not_acting(std::initializer_list<std::string_view> keys);
  /// A field of another version or kind: an error that says what to write instead.
  void refused(std::string_view key, std::string_view message);

  /// Nothing is there to be read: the fields are only noted, those of every variant.
  bool is_noting() const { return shared_.notes != nullptr; }
  bool has(std::string_view key) const;
  /// The entry under a known key as it is, for what the readers above can't say; null: not there.
  const node::entry* raw(std::string_view key, acts when = acts::now) {
    if (is_noting()) note(key, "", when);
    return take(key);
  }
  position at() const { return at_; }
  position at_key(std::string_view key) const;
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;
  void error(const position& at, std::string_view key, std::string message);
  void warning(const position& at, std::string_view key, std::string message);
  reading& shared() { return shared_; }

  /// Tells the unknown fields. The owner calls it once, after the last field.
  void finish();

 private:
  const node::entry* take(std::string_view key);
  bool read_number(std::string_view key, std::int64_t& out, position& at,
                   const number_rules& rules);
  bool read_number(const node& value, const std::string& path, std::int64_t& out,
                   const number_rules& rules);
  bool read_text(const node& value, const std::string& path, std::string& out,
                 const text_rules& rules);
  const node* scalar(const node& value, const std::string& path, std::string_view wanted);
  void missing(std::string_view key, std::string_view hint);
  void note_acts(std::string_view key, const node::entry& entry, acts when);
  void note(std::string_view key, std::string type, acts when = acts::now, bool is_required = false,
            std::string usual = {});
  bool note_inside(std::string_view key, const std::function<void(object_reader&)>& read,
                   std::string_view type, acts when, bool is_required);

  reading& shared_;
  const node& map_;
  position at_;
  std::string path_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> known_refused_;
};

}  // namespace understudy::config
