#include <understudy/codec/headers.hpp>

#include <algorithm>
#include <bit>

#include "codec/char_class.hpp"

namespace understudy::codec {

namespace {

template <std::size_t N>
constexpr std::uint64_t eight_of(const char (&text)[N]) {
  static_assert(N == 9);
  return std::bit_cast<std::uint64_t>(
      std::array{text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7]});
}

field_kind kind_of_x(std::string_view name) noexcept {
  if (name.size() < 8)
    return base::iequals(name, "x-aigw-") ? field_kind::control : field_kind::end_to_end;
  const auto first = base::lower_eight(base::load_eight(name.data()));
  if (first == eight_of("x-ai-eg-") || first == eight_of("x-envoy-")) return field_kind::control;
  if (first == eight_of("x-unders"))
    return base::istarts_with(name, "x-understudy-") ? field_kind::control : field_kind::end_to_end;
  if (base::istarts_with(name, "x-aigw-")) return field_kind::control;
  return base::iequals(name, "x-api-key") ? field_kind::credential : field_kind::end_to_end;
}

}  // namespace

/// By length and first letter, so that nearly every name costs no comparison of text at all.
field_kind kind_of(std::string_view name) noexcept {
  if (name.size() < 2) return field_kind::end_to_end;
  const char first = base::to_lower(name.front());
  if (first == 'x') return kind_of_x(name);
  const auto kind_if = [name](std::string_view known, field_kind kind) {
    return base::iequals(name, known) ? kind : field_kind::end_to_end;
  };
  const auto hop_by_hop_if = [&](std::string_view known) {
    return kind_if(known, field_kind::hop_by_hop);
  };
  if (first == 'p')
    return base::istarts_with(name, "proxy-") ? field_kind::hop_by_hop : field_kind::end_to_end;
  switch (name.size()) {
    case 2:
      return hop_by_hop_if("te");
    case 4:
      return kind_if("host", field_kind::host);
    case 6:
      return kind_if("expect", field_kind::expect);
    case 7:
      if (first == 'a') return kind_if("api-key", field_kind::credential);
      return hop_by_hop_if(first == 't' ? "trailer" : "upgrade");
    case 10:
      return hop_by_hop_if(first == 'c' ? "connection" : "keep-alive");
    case 13:
      return kind_if("authorization", field_kind::credential);
    case 14:
      if (first == 'c') return kind_if("content-length", field_kind::length);
      return hop_by_hop_if("http2-settings");
    case 17:
      return hop_by_hop_if("transfer-encoding");
    default:
      return field_kind::end_to_end;
  }
}

connection_options::connection_options(const field_list& fields) {
  for (const auto& [name, value] : fields) {
    if (!base::iequals(name, "connection")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      const auto option = base::trim(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
      if (option.empty()) continue;
      if (size_ == max_names) {
        is_overflowing_ = true;
        return;
      }
      names_[size_++] = option;
    }
  }
}

bool connection_options::contains(std::string_view name) const {
  return std::any_of(names_.begin(), names_.begin() + size_,
                     [name](std::string_view option) { return base::iequals(option, name); });
}

bool is_hop_by_hop(std::string_view name, const connection_options& options) {
  return kind_of(name) == field_kind::hop_by_hop || options.contains(name);
}

bool is_forwarded_upstream(std::string_view name, const connection_options& options,
                           bool has_own_credential) {
  const auto kind = kind_of(name);
  const bool may_pass =
      kind == field_kind::end_to_end || (kind == field_kind::credential && !has_own_credential);
  return may_pass && !options.contains(name);
}

bool is_forwarded_downstream(std::string_view name, const connection_options& options) {
  return kind_of(name) != field_kind::hop_by_hop && !options.contains(name);
}

bool is_persistent(int version, const connection_options& options) {
  if (options.has_close()) return false;
  return version >= 11 || options.has_keep_alive();
}

bool is_valid_request_id(std::string_view id) {
  constexpr std::size_t max_length = 128;
  return !id.empty() && id.size() <= max_length &&
         std::ranges::all_of(id, [](char c) { return is_in(request_id_table, c); });
}

}  // namespace understudy::codec
