#include <understudy/codec/headers.hpp>

#include <algorithm>

#include "codec/char_class.hpp"

namespace understudy::codec {

/// By length and first letter, so that nearly every name costs no comparison of text at all.
field_kind kind_of(std::string_view name) noexcept {
  if (name.size() < 2) return field_kind::end_to_end;
  const auto is = [name](std::string_view known) { return base::iequals(name, known); };
  const auto starts = [name](std::string_view prefix) { return base::istarts_with(name, prefix); };
  switch (base::to_lower(name.front())) {
    case 'a':
      if (is("authorization") || is("api-key")) return field_kind::credential;
      break;
    case 'c':
      if (is("connection")) return field_kind::hop_by_hop;
      if (is("content-length")) return field_kind::length;
      break;
    case 'e':
      if (is("expect")) return field_kind::expect;
      break;
    case 'h':
      if (is("host")) return field_kind::host;
      if (is("http2-settings")) return field_kind::hop_by_hop;
      break;
    case 'k':
      if (is("keep-alive")) return field_kind::hop_by_hop;
      break;
    case 'p':
      if (starts("proxy-")) return field_kind::hop_by_hop;
      break;
    case 't':
      if (is("te") || is("trailer") || is("transfer-encoding")) return field_kind::hop_by_hop;
      break;
    case 'u':
      if (is("upgrade")) return field_kind::hop_by_hop;
      break;
    case 'x':
      if (is("x-api-key")) return field_kind::credential;
      if (starts("x-ai-eg-") || starts("x-envoy-") || starts("x-understudy-") || starts("x-aigw-"))
        return field_kind::control;
      break;
    default:
      break;
  }
  return field_kind::end_to_end;
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
