#include "config/traffic_parts.hpp"

#include <algorithm>
#include <array>

#include "config/scalars.hpp"

// CRD: api/v1alpha1/{loadbalancer,healthcheck}_types.go of envoyproxy/gateway.
namespace understudy::config {
namespace {

bool is_prime(std::uint32_t n) {
  if (n < 2) return false;
  for (std::uint32_t d = 2; std::uint64_t{d} * d <= n; ++d)
    if (n % d == 0) return false;
  return true;
}

/// One field belongs to each type; the others would be silently without effect.
void check_union(object_reader& in, const located<std::string>& type, std::string_view wanted,
                 std::string_view field, bool is_there) {
  if (!type.is_written) return;
  const bool is_type = type.value == wanted;
  if (is_type && !is_there)
    in.error(type.at, field, "is missing; type `" + type.value + "` needs it");
  if (!is_type && is_there)
    in.error(in.at_key(field), field,
             "does not belong to type `" + type.value +
                 "`; remove it or write `type: " + std::string{wanted} + "`");
}

void read_name(object_reader& in, std::vector<located<std::string>>& out, text_check check) {
  in.text("name", out.emplace_back(), {.is_required = true, .hint = "its name", .check = check});
}

}  // namespace

static void read_fields(object_reader& in, consistent_hash_spec& out) {
  static constexpr std::array<std::string_view, 5> types{"SourceIP", "Header", "Headers", "Cookie",
                                                         "QueryParams"};
  in.text("type", out.type, {.is_required = true, .hint = "`SourceIP`", .choices = types});
  const bool has_header =
      in.object("header", [&](object_reader& h) { read_name(h, out.names, check_header_name); });
  const bool has_headers =
      in.list("headers", [&](object_reader& h) { read_name(h, out.names, check_header_name); });
  const bool has_cookie = in.object("cookie", [&](object_reader& c) {
    read_name(c, out.names, check_header_name);
    c.duration("ttl", out.cookie_ttl);
    c.text_map("attributes", out.cookie_attributes);
  });
  const bool has_query =
      in.list("queryParams", [&](object_reader& q) { read_name(q, out.names, nullptr); });
  check_union(in, out.type, "Header", "header", has_header);
  check_union(in, out.type, "Headers", "headers", has_headers);
  check_union(in, out.type, "Cookie", "cookie", has_cookie);
  check_union(in, out.type, "QueryParams", "queryParams", has_query);
  if (in.number("tableSize", out.table_size, {.min = 2, .max = 5'000'011}) &&
      !is_prime(out.table_size.value))
    in.error(out.table_size.at, "tableSize", "is no prime number; write 65537");
}

static void read_fields(object_reader& in, backend_utilization_spec& out) {
  in.duration("blackoutPeriod", out.blackout);
  in.duration("weightExpirationPeriod", out.expiration);
  in.duration("weightUpdatePeriod", out.update);
  in.number("errorUtilizationPenaltyPercent", out.penalty_percent);
  in.texts("metricNamesForComputingUtilization", out.metrics);
  in.boolean("keepResponseHeaders", out.keeps_headers);
}

void read_fields(object_reader& in, load_balancer_spec& out) {
  static constexpr std::array<std::string_view, 5> types{"RoundRobin", "LeastRequest", "Random",
                                                         "ConsistentHash", "BackendUtilization"};
  in.text("type", out.type, {.is_required = true, .hint = "`LeastRequest`", .choices = types});
  const bool has_hash = in.into("consistentHash", out.hash);
  const bool has_utilization = in.into("backendUtilization", out.utilization);
  check_union(in, out.type, "ConsistentHash", "consistentHash", has_hash);
  check_union(in, out.type, "BackendUtilization", "backendUtilization", has_utilization);
  in.object("slowStart", [&](object_reader& slow) {
    slow.duration("window", out.slow_start, {.is_zero_allowed = false});
    if (!slow.has("window")) slow.error(slow.at(), "window", "is missing; write `window: 60s`");
  });
  if (out.slow_start.is_written &&
      (out.type.value == "Random" || out.type.value == "ConsistentHash"))
    in.error(in.at_key("slowStart"), "slowStart",
             "does not go with `" + out.type.value + "`; write `LeastRequest` or `RoundRobin`");
  in.not_acting({"zoneAware", "endpointOverride", "dynamicModule"});
}

static void read_fields(object_reader& in, check_payload_spec& out) {
  static constexpr std::array<std::string_view, 2> types{"Text", "Binary"};
  in.text("type", out.type, {.is_required = true, .hint = "`Text`", .choices = types});
  located<std::string> binary;
  const bool has_text = in.text("text", out.bytes);
  const bool has_binary = in.text("binary", binary);
  check_union(in, out.type, "Text", "text", has_text);
  check_union(in, out.type, "Binary", "binary", has_binary);
  if (!has_binary) return;
  out.bytes = binary;
  if (auto decoded = decode_base64(binary.value))
    out.bytes.value = std::move(*decoded);
  else
    in.error(binary.at, "binary", "is no base64 text");
}

static void read_fields(object_reader& in, http_check_spec& out) {
  static constexpr std::array<std::string_view, 9> methods{
      "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"};
  in.text("path", out.path,
          {.is_required = true, .hint = "`/health`", .max_length = 1024, .check = check_path});
  in.text("method", out.method, {.choices = methods});
  if (out.method.value == "CONNECT")
    in.error(out.method.at, "method", "is not possible in a check; write `GET`");
  in.text("hostname", out.hostname, {.check = check_hostname_pattern});
  in.numbers("expectedStatuses", out.expected, {.min = 100, .max = 599});
  in.numbers("retriableStatuses", out.retriable, {.min = 100, .max = 599});
  in.into("expectedResponse", out.response);
  in.into("requestBody", out.body);
  if (out.body && out.method.value != "POST" && out.method.value != "PUT")
    in.error(in.at_key("requestBody"), "requestBody", "needs `method: POST` or `method: PUT`");
}

static void read_fields(object_reader& in, tcp_check_spec& out) {
  in.into("send", out.send);
  in.into("receive", out.receive);
}

void read_fields(object_reader& in, active_health_spec& out) {
  static constexpr std::array<std::string_view, 3> types{"HTTP", "TCP", "GRPC"};
  out.at = in.at();
  in.text("type", out.type, {.is_required = true, .hint = "`HTTP`", .choices = types});
  in.duration("timeout", out.timeout, {.is_zero_allowed = false});
  in.duration("interval", out.interval, {.is_zero_allowed = false});
  in.duration("initialJitter", out.initial_jitter);
  in.number("unhealthyThreshold", out.unhealthy_threshold, {.min = 1});
  in.number("healthyThreshold", out.healthy_threshold, {.min = 1});
  const bool has_http = in.into("http", out.http);
  const bool has_tcp = in.into("tcp", out.tcp);
  check_union(in, out.type, "HTTP", "http", has_http);
  check_union(in, out.type, "TCP", "tcp", has_tcp);
  in.object("overrides",
            [&](object_reader& o) { o.number("port", out.port, {.min = 1, .max = 65535}); });
  in.harmless({"grpc"});
  if (out.type.value == "GRPC")
    in.warning(out.type.at, "type", "`GRPC` checks do not act yet; hosts are not checked");
}

}  // namespace understudy::config
