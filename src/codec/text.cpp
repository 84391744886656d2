#include <understudy/codec/text.hpp>

#include <array>
#include <cstdio>

#include "codec/char_class.hpp"

namespace understudy::codec {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> make_inverse() {
  std::array<signed char, 256> out{};
  for (auto& v : out) v = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
  return out;
}

constexpr auto inverse = make_inverse();

unsigned byte_at(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }

std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

constexpr char_table unreserved_table = table_of("-_.~");
constexpr char_table segment_table = table_of("-_.~$&+:=@");

void append_percent(std::string& out, char c) {
  constexpr char digits[] = "0123456789ABCDEF";
  out.push_back('%');
  out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
  out.push_back(digits[static_cast<unsigned char>(c) & 15U]);
}

struct calendar {
  int year;
  unsigned month, day, weekday;
  int hour, minute, second;
};

calendar split(base::wall_time t) {
  using namespace std::chrono;
  const auto seconds_since = floor<seconds>(t);
  const auto days_since = floor<days>(seconds_since);
  const year_month_day date{days_since};
  const hh_mm_ss time{seconds_since - days_since};
  return {static_cast<int>(date.year()),           static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),       weekday{days_since}.c_encoding(),
          static_cast<int>(time.hours().count()),  static_cast<int>(time.minutes().count()),
          static_cast<int>(time.seconds().count())};
}

template <class... Args>
std::string print(const char* format, Args... args) {
  std::array<char, 64> buffer{};
  const int n = std::snprintf(buffer.data(), buffer.size(), format, args...);
  return {buffer.data(), static_cast<std::size_t>(n < 0 ? 0 : n)};
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto put = [&out](unsigned bits) { out.push_back(alphabet[bits & 63U]); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const unsigned v = byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    put(v >> 18), put(v >> 12), put(v >> 6), put(v);
  }
  const auto left = bytes.size() - i;
  if (left == 0) return out;
  const unsigned v = byte_at(bytes, i) << 16 | (left == 2 ? byte_at(bytes, i + 1) << 8 : 0U);
  put(v >> 18), put(v >> 12);
  if (left == 2) put(v >> 6);
  out.append(3 - left, '=');
  return out;
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  text.remove_suffix(padding_of(text));
  for (const char c : text)
    if (inverse[static_cast<unsigned char>(c)] < 0) return false;
  return true;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (!is_base64(text)) return std::nullopt;
  text.remove_suffix(padding_of(text));
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = bits << 6 | static_cast<unsigned>(inverse[static_cast<unsigned char>(c)]);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFFU));
  }
  return out;
}

std::string hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15U]);
  }
  return out;
}

std::string path_escape(std::string_view segment) {
  std::string out;
  out.reserve(segment.size() + 8);
  for (const char c : segment) {
    if (is_in(segment_table, c))
      out.push_back(c);
    else
      append_percent(out, c);
  }
  return out;
}

std::string uri_escape(std::string_view text, bool keeps_slash) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    if (is_in(unreserved_table, c) || (keeps_slash && c == '/'))
      out.push_back(c);
    else
      append_percent(out, c);
  }
  return out;
}

std::string amz_date(base::wall_time t) {
  const auto c = split(t);
  return print("%04d%02u%02uT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

std::string http_date(base::wall_time t) {
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto c = split(t);
  return print("%s, %02u %s %04d %02d:%02d:%02d GMT", days[c.weekday % 7], c.day,
               months[(c.month - 1) % 12], c.year, c.hour, c.minute, c.second);
}

std::string rfc3339(base::wall_time t) {
  const auto c = split(t);
  return print("%04d-%02u-%02uT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute,
               c.second);
}

std::int64_t unix_seconds(base::wall_time t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

}  // namespace understudy::codec
