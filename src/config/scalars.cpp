#include "config/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include <understudy/base/ascii.hpp>

namespace understudy::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || !is_digit(text[0]) || error != std::errc{} ||
      end != text.data() + text.size())
    return std::nullopt;
  return value;
}

bool is_dns_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (;;) {
    const auto dot = name.find('.');
    if (!is_dns_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

/// Edits (insert, delete, replace, swap) between two words, case aside.
std::size_t edits(std::string_view a, std::string_view b) {
  const auto width = b.size() + 1;
  std::vector<std::size_t> before(width), above(width), row(width);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool is_same = base::to_lower(a[i - 1]) == base::to_lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (is_same ? 0U : 1U)});
      if (i > 1 && j > 1 && base::to_lower(a[i - 1]) == base::to_lower(b[j - 2]) &&
          base::to_lower(a[i - 2]) == base::to_lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above.back();
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return false;
    const auto value = number(text.substr(0, dot));
    if (!value || *value > 255 || dot > 3) return false;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return text.empty();
}

bool is_ipv6(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return false;
  const auto gap = text.find("::");
  if (gap != std::string_view::npos && text.find("::", gap + 1) != std::string_view::npos)
    return false;
  int groups = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      if (!is_ipv4(group)) return false;
      groups += 2;
      break;
    }
    if (group.size() > 4 || !std::ranges::all_of(group, [](char c) {
          const char l = base::to_lower(c);
          return is_digit(l) || (l >= 'a' && l <= 'f');
        }))
      return false;
    if (!group.empty()) ++groups;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty() && gap == std::string_view::npos) return false;
  }
  return gap == std::string_view::npos ? groups == 8 : groups < 8;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::chrono::milliseconds total{0};
  int parts = 0;
  while (!text.empty()) {
    const auto digits =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    if (digits == 0 || digits > 5 || ++parts > 4) return std::nullopt;
    const int value = number(text.substr(0, digits)).value_or(0);
    text.remove_prefix(digits);
    if (text.starts_with("ms")) {
      total += std::chrono::milliseconds{value};
      text.remove_prefix(2);
      continue;
    }
    if (text.empty()) return std::nullopt;
    switch (text.front()) {
      case 'h':
        total += std::chrono::hours{value};
        break;
      case 'm':
        total += std::chrono::minutes{value};
        break;
      case 's':
        total += std::chrono::seconds{value};
        break;
      default:
        return std::nullopt;
    }
    text.remove_prefix(1);
  }
  if (parts == 0) return std::nullopt;
  return total;
}

std::optional<std::uint64_t> parse_quantity(std::string_view text) {
  struct unit {
    std::string_view name;
    std::uint64_t factor;
  };
  static constexpr std::array<unit, 9> units{{{"", 1},
                                              {"k", 1000},
                                              {"M", 1'000'000},
                                              {"G", 1'000'000'000},
                                              {"T", 1'000'000'000'000},
                                              {"Ki", 1ULL << 10},
                                              {"Mi", 1ULL << 20},
                                              {"Gi", 1ULL << 30},
                                              {"Ti", 1ULL << 40}}};
  const auto digits =
      static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  std::uint64_t value = 0;
  if (digits == 0 || digits > 15) return std::nullopt;
  std::from_chars(text.data(), text.data() + digits, value);
  const auto found = std::ranges::find(units, text.substr(digits), &unit::name);
  if (found == units.end() || value > (1ULL << 62) / found->factor) return std::nullopt;
  return value * found->factor;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  std::array<int, 6> parts{};
  static constexpr std::array<std::pair<std::size_t, std::size_t>, 6> at{
      {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = number(text.substr(at[i].first, at[i].second));
    if (!value) return std::nullopt;
    parts[i] = *value;
  }
  using namespace std::chrono;
  const year_month_day date{year{parts[0]}, month{static_cast<unsigned>(parts[1])},
                            day{static_cast<unsigned>(parts[2])}};
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  auto rest = text.substr(19);
  if (rest.front() == '.') {
    rest.remove_prefix(1);
    const auto digits =
        static_cast<std::size_t>(std::ranges::find_if_not(rest, is_digit) - rest.begin());
    if (digits == 0) return std::nullopt;
    rest.remove_prefix(digits);
  }
  minutes offset{0};
  if (rest != "Z" && rest != "z") {
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':')
      return std::nullopt;
    const auto h = number(rest.substr(1, 2));
    const auto m = number(rest.substr(4, 2));
    if (!h || !m || *h > 23 || *m > 59) return std::nullopt;
    offset = hours{*h} + minutes{*m};
    if (rest[0] == '-') offset = -offset;
  }
  const auto time =
      sys_days{date} + hours{parts[3]} + minutes{parts[4]} + seconds{parts[5]} - offset;
  return duration_cast<seconds>(time.time_since_epoch()).count();
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int letters = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    std::uint32_t six = 0;
    if (c >= 'A' && c <= 'Z')
      six = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      six = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (is_digit(c))
      six = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '+')
      six = 62;
    else if (c == '/')
      six = 63;
    else if (c == '=')
      ++padding;
    else
      return std::nullopt;
    if (padding > 0 && c != '=') return std::nullopt;
    bits = bits << 6U | six;
    if (++letters % 4 != 0) continue;
    if (padding > 2) return std::nullopt;
    out += static_cast<char>(bits >> 16U & 0xFFU);
    if (padding < 2) out += static_cast<char>(bits >> 8U & 0xFFU);
    if (padding < 1) out += static_cast<char>(bits & 0xFFU);
    bits = 0;
  }
  if (letters % 4 != 0 || padding > 2) return std::nullopt;
  return out;
}

bool is_number_like(std::string_view text) {
  static constexpr std::array<std::string_view, 11> words{
      "true", "false", "True", "False", "TRUE", "FALSE", ".inf", ".nan", ".Inf", ".NaN", "-.inf"};
  if (std::ranges::find(words, text) != words.end()) return true;
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() ||
      !(is_digit(text[0]) || (text[0] == '.' && text.size() > 1 && is_digit(text[1]))))
    return false;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc::invalid_argument && end == text.data() + text.size();
}

bool is_ip_address(std::string_view text) { return is_ipv4(text) || is_ipv6(text); }

std::string nearest(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t least = 2 + name.size() / 4;  // exclusive
  for (const auto candidate : known) {
    const auto distance = edits(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return std::string{best};
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  if (const auto near = nearest(name, known); !near.empty()) return "did you mean `" + near + "`?";
  std::string out = known.size() == 1 ? "write " : "write one of ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i > 0) out += ", ";
    out += '`';
    out += known[i];
    out += '`';
  }
  return out;
}

std::string check_object_name(std::string_view text) {
  if (is_dns_name(text)) return {};
  return "is no object name; write lower-case letters, digits, `-` and `.`";
}

std::string check_label(std::string_view text) {
  if (is_dns_label(text)) return {};
  return "is no name; write at most 63 lower-case letters, digits and `-`";
}

std::string check_hostname_pattern(std::string_view text) {
  const auto name = text.starts_with("*.") ? text.substr(2) : text;
  if (is_dns_name(name) && !is_ip_address(text)) return {};
  return "is no host name; write lower-case labels as in `api.example.com` or `*.example.com`";
}

std::string check_fqdn(std::string_view text) {
  const auto name = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
  if (is_ip_address(text)) return "is an IP address; write it under `ip.address`";
  if (text.find("://") != std::string_view::npos || text.find('/') != std::string_view::npos)
    return "is a URL; write the host name alone, without scheme and path";
  if (is_dns_name(base::lower(name))) return {};
  return "is no host name; write one as in `api.example.com`, the port goes into `port`";
}

std::string check_ip(std::string_view text) {
  if (is_ip_address(text)) return {};
  return "is no IP address; write one as in `127.0.0.1`, a name goes under `fqdn.hostname`";
}

std::string check_header_name(std::string_view text) {
  static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  const bool is_token = !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_lower_alnum(base::to_lower(c)) || others.find(c) != std::string_view::npos;
  });
  if (is_token && text.size() <= 256) return {};
  return "is no header name; write letters, digits and `-`";
}

std::string check_path(std::string_view text) {
  if (text.starts_with('/')) return {};
  return "must begin with `/`";
}

}  // namespace understudy::config
