#include <understudy/codec/sigv4.hpp>

#include <algorithm>
#include <array>

#include <openssl/sha.h>

#include <understudy/codec/text.hpp>

namespace understudy::codec {
namespace {

using digest = std::array<char, SHA256_DIGEST_LENGTH>;

constexpr std::string_view mantle = "bedrock-mantle";

std::string_view view(const digest& d) { return {d.data(), d.size()}; }

digest sha256(std::string_view text) {
  digest out{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

/// RFC 2104 on the one-shot hash: fetching OpenSSL's HMAC costs more than these short texts.
digest hmac(std::string_view key, std::string_view text) {
  constexpr std::size_t block = 64;
  digest hashed{};
  if (key.size() > block) {
    hashed = sha256(key);
    key = view(hashed);
  }
  const auto padded = [key](unsigned char pad) {
    std::string out(block, static_cast<char>(pad));
    for (std::size_t i = 0; i < key.size(); ++i)
      out[i] = static_cast<char>(static_cast<unsigned char>(key[i]) ^ pad);
    return out;
  };
  const auto inner = sha256(padded(0x36).append(text));
  return sha256(padded(0x5C).append(view(inner)));
}

/// Pairs as sent, sorted by name, then value.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    pairs.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out.push_back('&');
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string_view signed_headers(std::string_view session_token) {
  return session_token.empty() ? "host;x-amz-date" : "host;x-amz-date;x-amz-security-token";
}

bool is_label(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string canonical_request(const signing_request& request, std::string_view session_token,
                              std::string_view amz_date) {
  const auto mark = std::min(request.target.find('?'), request.target.size());
  const auto path = request.target.substr(0, mark);
  const auto query = request.target.substr(std::min(mark + 1, request.target.size()));
  std::string out;
  out.append(request.method).append("\n");
  out.append(path.empty() ? "/" : uri_escape(path, true)).append("\n");
  out.append(canonical_query(query)).append("\n");
  out.append("host:").append(base::trim(request.host)).append("\n");
  out.append("x-amz-date:").append(amz_date).append("\n");
  if (!session_token.empty())
    out.append("x-amz-security-token:").append(session_token).append("\n");
  out.append("\n").append(signed_headers(session_token)).append("\n");
  out.append(hex(view(sha256(request.payload))));
  return out;
}

std::vector<owned_field> sign(const signing_request& request, const aws_keys& keys,
                              std::string_view region, std::string_view service,
                              base::wall_time now) {
  const std::string date = amz_date(now);
  const auto day = std::string_view{date}.substr(0, 8);
  std::string scope{day};
  scope.append("/").append(region).append("/").append(service).append("/aws4_request");

  std::string text = "AWS4-HMAC-SHA256\n";
  text.append(date).append("\n").append(scope).append("\n");
  text.append(hex(view(sha256(canonical_request(request, keys.session_token, date)))));

  digest key = hmac(std::string{"AWS4"}.append(keys.secret_access_key), day);
  key = hmac(view(key), region);
  key = hmac(view(key), service);
  key = hmac(view(key), "aws4_request");

  std::string authorization = "AWS4-HMAC-SHA256 Credential=";
  authorization.append(keys.access_key_id).append("/").append(scope);
  authorization.append(", SignedHeaders=").append(signed_headers(keys.session_token));
  authorization.append(", Signature=").append(hex(view(hmac(view(key), text))));

  std::vector<owned_field> out{{"authorization", std::move(authorization)}, {"x-amz-date", date}};
  if (!keys.session_token.empty())
    out.push_back({"x-amz-security-token", std::string{keys.session_token}});
  return out;
}

std::string_view bedrock_service_of(std::string_view hostname) {
  const bool is_mantle =
      base::istarts_with(hostname, "bedrock-mantle.") && bedrock_region_of(hostname).has_value();
  return is_mantle ? mantle : bedrock_service;
}

std::optional<std::string> bedrock_region_of(std::string_view hostname) {
  std::string name = base::lower(hostname);
  if (name.ends_with('.')) name.pop_back();
  std::string_view rest = name;
  bool has_suffix = false;
  for (const std::string_view suffix : {".vpce.amazonaws.com", ".amazonaws.com", ".api.aws"}) {
    if (!rest.ends_with(suffix)) continue;
    rest.remove_suffix(suffix.size());
    has_suffix = true;
    break;
  }
  const auto dot = rest.rfind('.');
  if (!has_suffix || dot == std::string_view::npos) return std::nullopt;
  const auto region = rest.substr(dot + 1);
  auto service = rest.substr(0, dot);
  if (const auto before = service.rfind('.'); before != std::string_view::npos)
    service.remove_prefix(before + 1);
  if (service != "bedrock-runtime" && service != "bedrock-runtime-fips" && service != mantle)
    return std::nullopt;
  if (!is_label(region)) return std::nullopt;
  return std::string{region};
}

}  // namespace understudy::codec
