#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>

/// JSON without a document tree: one strict pass (RFC 8259 grammar, nesting up to
/// `max_json_depth`) that hands out views into the text. No allocation except for the strings
/// returned, no exceptions. UTF-8 inside strings is not checked by the scan itself.
namespace understudy::codec {

inline constexpr int max_json_depth = 512;

/// What is wrong with a text, and where (bytes from its start).
struct json_error {
  const char* reason = "";  ///< `unexpected character`, static
  std::size_t offset = 0;

  std::string text() const;  ///< `unexpected character at offset 12`
};

enum class json_kind : unsigned char { object, array, string, number, boolean, null };

/// A value as it stands in the text, quotes and brackets included.
struct json_value {
  json_kind kind = json_kind::null;
  std::string_view text;

  /// The characters between the quotes of a string, escapes as they are.
  std::string_view raw_string() const { return text.substr(1, text.size() - 2); }
};

/// Members of an object, or elements of an array, one by one. Every value is checked as it is
/// passed over; when next() has returned false, failure() tells whether the text was whole.
class json_reader {
 public:
  /// `text` is one object or array, white space around it allowed.
  explicit json_reader(std::string_view text);

  json_kind kind() const { return kind_; }
  /// Moves to the next member or element; false at the end or at an error.
  bool next();
  /// Name of the member, escapes as they are; empty in an array.
  std::string_view raw_key() const { return key_; }
  /// True when the member's name, unescaped, is `name`.
  bool is_key(std::string_view name) const {
    return key_has_escapes_ ? is_escaped_key(name) : key_ == name;
  }
  const json_value& value() const { return value_; }
  const std::optional<json_error>& failure() const { return failure_; }

 private:
  bool read_member();
  bool is_escaped_key(std::string_view name) const;
  bool fail(const char* reason, const char* at);

  std::string_view text_;
  const char* cursor_;
  const char* end_;
  json_kind kind_ = json_kind::null;
  bool is_first_ = true;
  bool is_over_ = false;
  bool key_has_escapes_ = false;
  std::string_view key_;
  json_value value_;
  std::optional<json_error> failure_;
};

/// Nothing when `text` is exactly one JSON value (white space around it allowed).
std::optional<json_error> check_json(std::string_view text);

/// The last member of that name in an object, or nothing (also when the text is no object).
std::optional<json_value> find_member(std::string_view object, std::string_view name);

/// Text of a JSON string whose inside is `raw`. Lone surrogates become U+FFFD. `raw` comes from a
/// scan that has accepted it.
std::string unescape_json(std::string_view raw);
/// The same without a copy where nothing is escaped; else the text is in `buffer`.
std::string_view unescape_json(std::string_view raw, std::string& buffer);

/// Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

bool is_utf8(std::string_view text);

/// What routing needs to know of a request body.
struct request_summary {
  std::string model;  ///< unescaped, valid UTF-8; may hold any character. Empty when absent or null
  bool has_model = false;
  bool stream = false;                ///< top-level `stream` is true
  bool is_sse_format = false;         ///< top-level `stream_format` is "sse" (audio/speech)
  std::optional<bool> include_usage;  ///< `stream_options.include_usage`
};

/// The top-level `model`, `stream` and `stream_options` of an object; the last of duplicates
/// wins. The whole text is checked. A known field of a wrong type is an error.
base::result<request_summary, json_error> scan_request(std::string_view body);

}  // namespace understudy::codec
