#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::config {

/// Escaped JSON string with its quotes. Bytes that are no UTF-8 are the caller's business.
std::string json_quoted(std::string_view text);

/// Writes JSON front to back into a string. The caller balances open and close.
class json_writer {
 public:
  json_writer& open_object() { return open('{'); }
  json_writer& close_object() { return close('}'); }
  json_writer& open_array() { return open('['); }
  json_writer& close_array() { return close(']'); }
  json_writer& key(std::string_view name);
  json_writer& text(std::string_view value);
  json_writer& number(std::int64_t value);
  json_writer& boolean(bool value);
  json_writer& null();
  /// A number with three decimals.
  json_writer& thousandths(std::int64_t value);

  json_writer& field(std::string_view name, std::string_view value) {
    return key(name).text(value);
  }
  json_writer& count(std::string_view name, std::int64_t value) { return key(name).number(value); }
  json_writer& flag(std::string_view name, bool value) { return key(name).boolean(value); }

  const std::string& str() const { return out_; }

 private:
  json_writer& open(char bracket);
  json_writer& close(char bracket);
  void separate();

  std::string out_;
  std::vector<bool> has_items_;
  bool is_after_key_ = false;
};

}  // namespace understudy::config
