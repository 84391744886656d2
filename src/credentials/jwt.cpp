#include <understudy/credentials/jwt.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include <understudy/codec/text.hpp>

namespace understudy::credentials {
namespace {

struct freeing {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
template <class T>
using owned = std::unique_ptr<T, freeing>;

/// An encrypted key must not make OpenSSL ask at the terminal.
int no_password(char*, int, int, void*) { return -1; }

owned<EVP_PKEY> read_key(std::string_view pem) {
  const owned<BIO> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  if (!bio) return nullptr;
  return owned<EVP_PKEY>{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)};
}

}  // namespace

std::string base64url(std::string_view bytes) {
  auto text = codec::base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

base::result<std::string, failure> sign_jwt(std::string_view header, std::string_view claims,
                                            std::string_view private_key_pem) {
  constexpr int min_bits = 2048;
  constexpr std::size_t max_pem_bytes = 64U * 1024;
  if (private_key_pem.size() > max_pem_bytes) return failure{"the private key is too long"};
  const auto key = read_key(private_key_pem);
  ERR_clear_error();
  if (!key) return failure{"the private key is no PEM that can be read"};
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key.get()) < min_bits)
    return failure{"the private key is no RSA key of at least 2048 bits"};
  std::string text = base64url(header) + "." + base64url(claims);
  const owned<EVP_MD_CTX> context{EVP_MD_CTX_new()};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = signature.size();
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, text.size()) != 1) {
    ERR_clear_error();
    return failure{"signing with the private key failed"};
  }
  signature.resize(size);
  return {boost::system::in_place_value, text + "." + base64url(signature)};
}

}  // namespace understudy::credentials
