#include <understudy/proxy/affinity.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>

#include <understudy/base/ascii.hpp>
#include <understudy/resilience/hash.hpp>

namespace understudy::proxy {
namespace {

using resilience::hash_text;

std::string hex(std::uint64_t value) {
  char digits[16];
  for (int i = 15; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return {digits, sizeof digits};
}

std::optional<std::uint64_t> from_hex(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, value, 16);
  if (text.size() != 16 || failure != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::optional<std::string_view> cookie(const codec::request_head& head, std::string_view name) {
  for (const auto& f : head.fields) {
    if (!base::iequals(f.name, "cookie")) continue;
    std::string_view rest = f.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = base::trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals == pair.npos || pair.substr(0, equals) != name) continue;
      auto value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
        value = value.substr(1, value.size() - 2);
      if (!value.empty()) return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return std::nullopt;
}

void add(std::optional<std::uint64_t>& hash, std::string_view input) {
  const std::uint64_t made = hash_text(input);
  hash = hash ? std::rotl(*hash, 1) ^ made : made;
}

std::string set_cookie(std::string_view name, std::string_view value,
                       const std::optional<std::chrono::milliseconds>& lifetime,
                       const std::vector<codec::owned_field>& attributes) {
  std::string text{name};
  text.append("=").append(value);
  if (lifetime && lifetime->count() > 0)
    text +=
        "; Max-Age=" + std::to_string(std::chrono::ceil<std::chrono::seconds>(*lifetime).count());
  bool has_path = false;
  for (const auto& a : attributes) {
    text.append("; ").append(a.name);
    if (!a.value.empty()) text.append("=").append(a.value);
    has_path = has_path || base::iequals(a.name, "path");
  }
  if (!has_path) text += "; Path=/";
  return text + "; HttpOnly";
}

void hash_inputs(const plan::hash_input& input, const codec::request_head& head,
                 std::string_view query, std::string_view client_address,
                 base::random_source& random, affinity& out) {
  using source = plan::hash_input::source;
  switch (input.from) {
    case source::client_address:
      add(out.hint.hash, client_address);
      break;
    case source::headers:
      for (const auto& name : input.names)
        for (const auto& f : head.fields)
          if (base::iequals(f.name, name)) add(out.hint.hash, f.value);
      break;
    case source::query:
      for (const auto& name : input.names)
        if (const auto value = parameter(query, name)) add(out.hint.hash, *value);
      break;
    case source::cookie:
      for (const auto& name : input.names) {
        if (const auto value = cookie(head, name)) {
          add(out.hint.hash, *value);
        } else if (input.cookie_ttl) {
          const std::string made = hex(random.next());
          add(out.hint.hash, made);
          out.new_cookie = set_cookie(name, made, input.cookie_ttl, input.cookie_attributes);
        }
      }
      break;
  }
}

}  // namespace

affinity affinity_of(const plan::rule& rule, const codec::request_head& head,
                     std::string_view query, std::string_view client_address,
                     base::random_source& random) {
  affinity out;
  if (rule.hash) hash_inputs(*rule.hash, head, query, client_address, random, out);
  if (rule.session) {
    const auto value = rule.session->is_cookie ? cookie(head, rule.session->name)
                                               : head.fields.find(rule.session->name);
    if (value) out.hint.session = from_hex(*value);
  }
  return out;
}

std::optional<codec::owned_field> session_field(const plan::rule& rule,
                                                const resilience::choice_hint& hint,
                                                std::uint64_t host_key) {
  if (!rule.session || hint.session == host_key) return std::nullopt;
  const auto& session = *rule.session;
  if (!session.is_cookie) return codec::owned_field{session.name, hex(host_key)};
  return codec::owned_field{"set-cookie",
                            set_cookie(session.name, hex(host_key), session.lifetime, {})};
}

}  // namespace understudy::proxy
