#pragma once
#include <understudy/codec/json_scan.hpp>

/// The machine below json_reader: passes over one value and checks it on the way.
namespace understudy::codec {

inline constexpr const char* reason_truncated = "unexpected end of text";
inline constexpr const char* reason_unexpected = "unexpected character";

inline const char* skip_space(const char* p, const char* end) {
  while (p != end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
  return p;
}

/// One value, from its first character. All members but `end` are outputs.
struct json_skipper {
  explicit json_skipper(const char* end_of_text) : end{end_of_text} {}

  /// Past the value, or null with `reason` and `at` set.
  const char* skip(const char* p);
  /// `p` is behind the opening quote; past the closing one, or null.
  const char* skip_string(const char* p);

  const char* end;
  json_kind kind = json_kind::null;  ///< of the value skip() was called on
  bool has_escapes = false;          ///< of the last string
  const char* reason = "";
  const char* at = nullptr;

 private:
  const char* fail(const char* why, const char* where) {
    reason = why;
    at = where;
    return nullptr;
  }
  const char* skip_long_string(const char* p);
  const char* skip_escape(const char* p);
  const char* skip_unicode_escape(const char* p);
  const char* skip_number(const char* p);
  const char* skip_word(const char* p, std::string_view word);
  const char* skip_scalar(const char* p, json_kind& found);
  const char* skip_container(const char* p);
  const char* skip_key(const char* p);
};

}  // namespace understudy::codec
