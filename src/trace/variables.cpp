#include "trace/variables.hpp"

#include <charconv>

#include <understudy/base/ascii.hpp>

namespace understudy::trace {
namespace {

int hex_digit(char c) {
  c = base::to_lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                           hex_digit(text[i + 2]) >= 0;
    if (!is_escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return out;
}

template <class Number>
std::optional<Number> parsed(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || at != end) return std::nullopt;
  return value;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    const auto part = base::trim(text.substr(0, end));
    if (!part.empty()) parts.push_back(part);
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string variables::text(const std::string& name) const {
  const auto value = look_up_(name);
  return value ? std::string{base::trim(*value)} : std::string{};
}

std::string variables::first_of(const std::string& name, const std::string& otherwise) const {
  auto value = text(name);
  return value.empty() ? text(otherwise) : value;
}

bool variables::flag(const std::string& name) { return written_flag(name).value_or(false); }

std::optional<bool> variables::written_flag(const std::string& name) {
  const auto value = text(name);
  if (value.empty()) return std::nullopt;
  if (base::iequals(value, "true")) return true;
  if (!base::iequals(value, "false"))
    warn(name + ": `" + value + "` is neither true nor false; it counts as false");
  return false;
}

std::optional<std::uint64_t> variables::number(const std::string& name) {
  const auto value = text(name);
  if (value.empty()) return std::nullopt;
  const auto read = parsed<std::uint32_t>(value);
  if (!read) {
    warn(name + ": `" + value + "` is not a whole number; the default holds");
    return std::nullopt;
  }
  return *read;
}

void variables::read(const std::string& name, std::chrono::milliseconds& into) {
  if (const auto value = number(name)) into = std::chrono::milliseconds{*value};
}

void variables::read(const std::string& name, std::size_t& into) {
  const auto value = number(name);
  if (!value) return;
  if (*value == 0) return warn(name + ": 0 is too few; the default holds");
  into = static_cast<std::size_t>(*value);
}

std::optional<double> variables::ratio(const std::string& name) {
  const auto value = text(name);
  if (value.empty()) return std::nullopt;
  const auto read = parsed<double>(value);
  if (read && *read >= 0.0 && *read <= 1.0) return read;
  warn(name + ": `" + value + "` is not a number from 0 to 1; 1 holds");
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> variables::pairs(const std::string& name,
                                                                  const std::string& value) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto item : split(value, ',')) {
    const auto equals = item.find('=');
    const auto key = base::trim(item.substr(0, equals));
    if (equals == item.npos || key.empty()) {
      // The item may be a key that lacks its name: it is not shown.
      warn(name + ": an item is not KEY=VALUE and is left out");
      continue;
    }
    all.emplace_back(percent_decoded(key), percent_decoded(base::trim(item.substr(equals + 1))));
  }
  return all;
}

}  // namespace understudy::trace
