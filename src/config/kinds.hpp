#pragma once
#include <span>
#include <string_view>

#include <understudy/config/documents.hpp>

#include "config/object_reader.hpp"

namespace understudy::config {

/// What reading a kind needs beside its fields.
struct kind_context {
  documents& out;
  environment_lookup environment;
  /// Contents of a file that the configuration names; nothing when it can't be read.
  std::function<std::optional<std::string>(const std::string& path)> file;
};

enum class kind_use : std::uint8_t {
  read,       ///< typed, see `read`
  ignored,    ///< belongs to a cluster; nothing on a host. Said once a kind
  not_acting  ///< a policy or feature that understudy does not do yet. A warning an object
};

struct kind_entry {
  std::string_view kind;
  std::string_view group;
  std::string_view versions;  ///< separated by a space, newest first
  kind_use use = kind_use::read;
  /// Reads an object into the documents; gives the header it stored there.
  object_header& (*read)(object_reader& root, object_header header,
                         kind_context& context) = nullptr;
};

/// The kinds of this build: to add one, write its file in `kinds/` and one line in kinds.cpp.
std::span<const kind_entry> all_kinds();

object_header& read_ai_gateway_route(object_reader&, object_header, kind_context&);
object_header& read_ai_service_backend(object_reader&, object_header, kind_context&);
object_header& read_backend(object_reader&, object_header, kind_context&);
object_header& read_backend_security_policy(object_reader&, object_header, kind_context&);
object_header& read_backend_tls_policy(object_reader&, object_header, kind_context&);
object_header& read_backend_traffic_policy(object_reader&, object_header, kind_context&);
object_header& read_client_traffic_policy(object_reader&, object_header, kind_context&);
object_header& read_config_map(object_reader&, object_header, kind_context&);
object_header& read_envoy_proxy(object_reader&, object_header, kind_context&);
object_header& read_failover_policy(object_reader&, object_header, kind_context&);
object_header& read_gateway(object_reader&, object_header, kind_context&);
object_header& read_gateway_config(object_reader&, object_header, kind_context&);
object_header& read_http_route(object_reader&, object_header, kind_context&);
object_header& read_reference_grant(object_reader&, object_header, kind_context&);
object_header& read_secret(object_reader&, object_header, kind_context&);

}  // namespace understudy::config
