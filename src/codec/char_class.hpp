#pragma once
#include <array>
#include <string_view>

/// Character classes as tables.
namespace understudy::codec {

using char_table = std::array<bool, 256>;

constexpr char_table table_of(std::string_view extra) {
  char_table out{};
  for (int c = '0'; c <= '9'; ++c) out[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) out[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) out[static_cast<std::size_t>(c)] = true;
  for (const char c : extra) out[static_cast<unsigned char>(c)] = true;
  return out;
}

inline constexpr char_table tchar_table = table_of("!#$%&'*+-.^_`|~");
/// RFC 3986 unreserved and sub-delims, and `%`; without the comma, which joins repeated fields.
inline constexpr char_table reg_name_table = table_of("-._~!$&'()*+;=%");
inline constexpr char_table request_id_table = table_of("-_.:~+/=@");

inline bool is_in(const char_table& table, char c) { return table[static_cast<unsigned char>(c)]; }
inline bool is_tchar(char c) { return is_in(tchar_table, c); }

}  // namespace understudy::codec
