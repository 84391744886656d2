#include <understudy/net/tls.hpp>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <mutex>

#include <understudy/base/wipe.hpp>

namespace understudy::net {
namespace {

int slot_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto* slot = static_cast<tls_session_slot*>(SSL_get_ex_data(ssl, slot_index()));
  if (slot == nullptr || SSL_SESSION_is_resumable(session) == 0) return 0;
  slot->keep(session);
  return 1;
}

/// Reading the system's certificates takes tens of milliseconds and a megabyte: once a process.
X509_STORE* system_store() {
  static X509_STORE* store = [] {
    X509_STORE* made = X509_STORE_new();
    X509_STORE_set_default_paths(made);
    ERR_clear_error();
    return made;
  }();
  return store;
}

int version_of(int number) { return number >= 13 ? TLS1_3_VERSION : TLS1_2_VERSION; }

bool is_address(const std::string& name) {
  error_code ec;
  asio::ip::make_address(name, ec);
  return !ec;
}

std::string openssl_text(std::string_view what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  std::string text{what};
  if (code != 0) {
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) text.append(": ").append(reason);
  }
  return text;
}

/// Every certificate of a PEM text becomes trusted; false when there is none.
bool add_authorities(X509_STORE* store, const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  bool has_any = false;
  while (X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
    has_any = X509_STORE_add_cert(store, certificate) == 1 || has_any;
    X509_free(certificate);
  }
  BIO_free(bio);
  ERR_clear_error();
  return has_any;
}

bool use_certificate(asio::ssl::context& context, const std::string& chain,
                     const std::string& key) {
  error_code ec;
  context.use_certificate_chain(asio::buffer(chain), ec);
  if (!ec) context.use_private_key(asio::buffer(key), asio::ssl::context::pem, ec);
  return !ec && SSL_CTX_check_private_key(context.native_handle()) == 1;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  static constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, http11.data(), http11.size(), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

tls_session_slot::~tls_session_slot() {
  if (session_ != nullptr) SSL_SESSION_free(session_);
}

void tls_session_slot::keep(SSL_SESSION* session) {
  if (session_ != nullptr) SSL_SESSION_free(session_);
  session_ = session;
}

tls_client::tls_client(const plan::upstream_tls& settings)
    : settings_{settings}, context_{asio::ssl::context::tls_client} {}

base::result<std::shared_ptr<tls_client>, std::string> tls_client::make(
    const plan::upstream_tls& settings) {
  std::shared_ptr<tls_client> made{new tls_client{settings}, [](tls_client* gone) {
                                     const base::wipe_scope all;
                                     delete gone;
                                   }};
  SSL_CTX* ctx = made->context_.native_handle();
  SSL_CTX_set_min_proto_version(ctx, version_of(settings.min_version));
  SSL_CTX_set_max_proto_version(ctx, version_of(settings.max_version));
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, &on_new_session);
  static constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(ctx, http11.data(), http11.size());
  SSL_CTX_set_verify(ctx, settings.is_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (settings.is_verified && settings.uses_system_ca) SSL_CTX_set1_cert_store(ctx, system_store());
  if (settings.is_verified && !settings.uses_system_ca &&
      !add_authorities(SSL_CTX_get_cert_store(ctx), settings.ca_pem))
    return openssl_text("no CA certificate could be read");
  if (!settings.certificate_pem.empty() &&
      !use_certificate(made->context_, settings.certificate_pem, settings.private_key_pem))
    return openssl_text("the client certificate could not be used");
  return made;
}

void tls_client::prepare(SSL* ssl, const std::string& target_name, tls_session_slot& slot) const {
  const std::string& name = settings_.server_name.empty() ? target_name : settings_.server_name;
  const bool is_literal = is_address(name);
  if (!is_literal && !name.empty()) SSL_set_tlsext_host_name(ssl, name.c_str());
  if (settings_.is_verified) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!settings_.subject_alt_names.empty()) {
      X509_VERIFY_PARAM_set1_host(parameters, nullptr, 0);
      for (const auto& alternative : settings_.subject_alt_names)
        X509_VERIFY_PARAM_add1_host(parameters, alternative.c_str(), alternative.size());
    } else if (is_literal) {
      X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
    }
  }
  SSL_set_ex_data(ssl, slot_index(), &slot);
  if (slot.session() != nullptr) SSL_set_session(ssl, slot.session());
}

base::result<std::shared_ptr<tls_server>, std::string> tls_server::make(
    const std::vector<plan::certificate>& certificates) {
  std::shared_ptr<tls_server> made{new tls_server};
  for (const auto& certificate : certificates) {
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* ctx = context->native_handle();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(
        ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_alpn_select_cb(ctx, &choose_protocol, nullptr);
    if (!use_certificate(*context, certificate.chain_pem, certificate.private_key_pem))
      return openssl_text("a certificate of the listener could not be used with its key");
    made->contexts_.push_back(std::move(context));
  }
  SSL_CTX* first = made->contexts_.front()->native_handle();
  SSL_CTX_set_tlsext_servername_callback(first, &tls_server::choose);
  SSL_CTX_set_tlsext_servername_arg(first, made.get());
  return made;
}

int tls_server::choose(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  for (const auto& context : static_cast<tls_server*>(self)->contexts_) {
    X509* certificate = SSL_CTX_get0_certificate(context->native_handle());
    if (certificate != nullptr && X509_check_host(certificate, name, 0, 0, nullptr) == 1) {
      SSL_set_SSL_CTX(ssl, context->native_handle());
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

std::string tls_failure(SSL* ssl, const error_code& ec) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK)
    return std::string{"certificate not accepted: "} + X509_verify_cert_error_string(verified);
  return "TLS handshake failed: " + ec.message();
}

}  // namespace understudy::net
