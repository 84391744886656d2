#include "admin/page.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace understudy::admin {
namespace {

/// CSP source of the text between the first `<tag>` and `</tag>`.
std::string hash_of(std::string_view tag) {
  const std::string opening = "<" + std::string{tag} + ">";
  const auto begin = page_html.find(opening);
  const auto end = page_html.find("</" + std::string{tag} + ">");
  if (begin == std::string_view::npos || end == std::string_view::npos) return "'none'";
  const auto text = page_html.substr(begin + opening.size(), end - begin - opening.size());
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char encoded[64];
  const int n = EVP_EncodeBlock(encoded, digest, sizeof digest);
  return "'sha256-" +
         std::string{reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(n)} + "'";
}

}  // namespace

const std::string& page_policy() {
  static const std::string policy = "default-src 'none'; script-src " + hash_of("script") +
                                    "; style-src " + hash_of("style") +
                                    "; connect-src 'self'; img-src data:; base-uri 'none'; "
                                    "form-action 'none'; frame-ancestors 'none'; "
                                    "require-trusted-types-for 'script'";
  return policy;
}

}  // namespace understudy::admin
