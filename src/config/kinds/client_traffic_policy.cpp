#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

void read_connection(object_reader& in, client_traffic_policy& out) {
  in.quantity("bufferLimit", out.buffer_limit);
  in.object("connectionLimit", [&](object_reader& limit) {
    limit.number("value", out.max_connections, {.is_required = true, .min = 1});
    limit.not_acting(
        {"closeDelay", "maxConnectionDuration", "maxRequestsPerConnection", "maxStreamDuration"});
  });
  in.not_acting({"socketBufferLimit", "maxAcceptPerSocketEvent"});
}

void read_timeout(object_reader& in, client_traffic_policy& out) {
  in.object("http", [&](object_reader& http) {
    http.duration("requestReceivedTimeout", out.request_body);
    http.duration("requestHeadersReceivedTimeout", out.request_headers);
    http.duration("idleTimeout", out.idle);
    http.duration("streamIdleTimeout", out.stream_idle);
  });
  in.not_acting({"tcp"});
}

void read_headers(object_reader& in, client_traffic_policy& out) {
  static constexpr std::array<std::string_view, 3> actions{"RejectRequest", "Allow", "DropHeader"};
  in.text("withUnderscoresAction", out.underscores, {.choices = actions});
  if (out.underscores.value == "DropHeader")
    in.warning(out.underscores.at, "withUnderscoresAction",
               "`DropHeader` does not act yet; such requests are refused");
  in.quantity("maxRequestHeaderLimit", out.max_header_bytes);
  in.not_acting({"enableEnvoyHeaders", "disableRateLimitHeaders", "xForwardedClientCert",
                 "preserveXRequestID", "requestID", "earlyRequestHeaders", "lateResponseHeaders",
                 "host"});
}

}  // namespace

object_header& read_client_traffic_policy(object_reader& root, object_header header,
                                          kind_context& context) {
  static constexpr std::array<target_kind_name, 1> targets{{{"Gateway", gateway_group}}};
  auto& out = context.out.client_policies.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_targets(spec, targets, out.targets);
        spec.object("connection", [&](object_reader& in) { read_connection(in, out); });
        spec.object("timeout", [&](object_reader& in) { read_timeout(in, out); });
        spec.object("headers", [&](object_reader& in) { read_headers(in, out); });
        spec.not_acting({"tcpKeepalive", "enableProxyProtocol", "proxyProtocol",
                         "clientIPDetection", "tls", "path", "http1", "http2", "http3",
                         "healthCheck", "scheme", "mergeType"});
      },
      true);
  return out.header;
}

}  // namespace understudy::config
