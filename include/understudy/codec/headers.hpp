#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include <understudy/codec/http.hpp>

/// Which fields may pass from one connection to the other. No allocation; any thread.
namespace understudy::codec {

enum class field_kind : std::uint8_t {
  end_to_end,
  hop_by_hop,  ///< Connection, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade
  length,      ///< Content-Length: always our own
  host,        ///< rewritten for the upstream
  expect,      ///< answered here
  control,     ///< x-ai-eg-*, x-envoy-*, x-understudy-*, x-aigw-*: of proxies, never from clients
  credential,  ///< Authorization, x-api-key, api-key
};

field_kind kind_of(std::string_view name) noexcept;

/// The names that Connection fields list. Views into the head.
class connection_options {
 public:
  static constexpr std::size_t max_names = 16;

  explicit connection_options(const field_list& fields);

  bool contains(std::string_view name) const;
  bool has_close() const { return contains("close"); }
  bool has_keep_alive() const { return contains("keep-alive"); }
  /// More names than we keep: refuse the message.
  bool is_overflowing() const { return is_overflowing_; }

 private:
  std::array<std::string_view, max_names> names_{};
  std::uint8_t size_ = 0;
  bool is_overflowing_ = false;
};

bool is_hop_by_hop(std::string_view name, const connection_options& options);

/// May a client's field go upstream as it is? Not when hop-by-hop, or one that we write ourselves
/// (Host, Content-Length), answer (Expect) or own. `has_own_credential`: the backend brings its
/// own, the client's stays here.
bool is_forwarded_upstream(std::string_view name, const connection_options& options,
                           bool has_own_credential);

/// May an upstream's field go to the client? Content-Length may: its value is the framing's, and
/// the caller drops it where the body changes.
bool is_forwarded_downstream(std::string_view name, const connection_options& options);

/// Whether the connection may carry another message after this one (RFC 9112 §9.3).
bool is_persistent(int version, const connection_options& options);

/// 1 to 128 of letters, digits and `-_.:~+/=@`.
bool is_valid_request_id(std::string_view id);

}  // namespace understudy::codec
