#pragma once
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/net/socket_stream.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::net {

/// The last session that one endpoint gave us; offered again at the next handshake. One worker.
class tls_session_slot {
 public:
  tls_session_slot() = default;
  ~tls_session_slot();
  tls_session_slot(const tls_session_slot&) = delete;
  tls_session_slot& operator=(const tls_session_slot&) = delete;

  void keep(SSL_SESSION* session);  ///< takes over one reference
  SSL_SESSION* session() const { return session_; }

 private:
  SSL_SESSION* session_ = nullptr;
};

/// How a backend is spoken to under TLS: made once per plan, shared by all workers. Verification
/// is on unless the configuration says otherwise (RFC 9110 §4.3.4).
class tls_client {
 public:
  /// The error names what in the configuration could not be used.
  static base::result<std::shared_ptr<tls_client>, std::string> make(
      const plan::upstream_tls& settings);

  asio::ssl::context& context() { return context_; }
  /// Name indication, the name that is verified, and the session to resume.
  void prepare(SSL* ssl, const std::string& target_name, tls_session_slot& slot) const;

 private:
  explicit tls_client(const plan::upstream_tls& settings);
  plan::upstream_tls settings_;
  asio::ssl::context context_;
};

/// The certificates of one listener; the client's name indication chooses among them.
class tls_server {
 public:
  static base::result<std::shared_ptr<tls_server>, std::string> make(
      const std::vector<plan::certificate>& certificates);
  asio::ssl::context& context() { return *contexts_.front(); }

 private:
  tls_server() = default;
  static int choose(SSL* ssl, int* alert, void* self);
  std::vector<std::unique_ptr<asio::ssl::context>> contexts_;
};

/// `certificate verify failed: unable to get local issuer certificate`, for people.
std::string tls_failure(SSL* ssl, const error_code& ec);

}  // namespace understudy::net
