#include <array>

#include <understudy/config/json_writer.hpp>

namespace understudy::config {

std::string json_quoted(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
          out += "\\u00";
          out += hex[byte >> 4U];
          out += hex[byte & 0xFU];
        } else {
          out += c;
        }
      }
    }
  }
  return out + '"';
}

void json_writer::separate() {
  if (is_after_key_) {
    is_after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
}

json_writer& json_writer::open(char bracket) {
  separate();
  out_ += bracket;
  has_items_.push_back(false);
  return *this;
}

json_writer& json_writer::close(char bracket) {
  has_items_.pop_back();
  out_ += bracket;
  return *this;
}

json_writer& json_writer::key(std::string_view name) {
  separate();
  out_ += json_quoted(name);
  out_ += ':';
  is_after_key_ = true;
  return *this;
}

json_writer& json_writer::text(std::string_view value) {
  separate();
  out_ += json_quoted(value);
  return *this;
}

json_writer& json_writer::number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

json_writer& json_writer::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

json_writer& json_writer::thousandths(std::int64_t value) {
  separate();
  if (value < 0) out_ += '-';
  const auto size = value < 0 ? -value : value;
  out_ += std::to_string(size / 1000) + '.' + std::to_string(1000 + size % 1000).substr(1);
  return *this;
}

json_writer& json_writer::null() {
  separate();
  out_ += "null";
  return *this;
}

}  // namespace understudy::config
