#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include <understudy/codec/http.hpp>
#include <understudy/plan/cost.hpp>
#include <understudy/plan/credential.hpp>
#include <understudy/plan/failover.hpp>
#include <understudy/plan/log_format.hpp>
#include <understudy/resilience/params.hpp>
#include <understudy/translate/translator.hpp>

/// The compiled configuration: immutable, shared by all workers, pinned by every exchange for its
/// whole life. Made by compile() (plan/compile.hpp) from the typed documents of `config`.
namespace understudy::plan {

using std::chrono::milliseconds;

/// Where in the user's files a thing was written, for errors, /status and explanations.
struct source_position {
  std::string file;
  int line = 0;
  int column = 0;
};

/// A policy field that is written and acts on a rule.
struct written_field {
  std::string object;  ///< `BackendTrafficPolicy default/policy`
  std::string field;   ///< `spec.retry.retryOn.httpStatusCodes`
  source_position at;  ///< of its value; a list: of its first item
};

// ---- matching -----------------------------------------------------------------------------

/// A compiled RE2 pattern that must match the whole value. Thread-safe to use.
class regex {
 public:
  struct impl;
  explicit regex(std::shared_ptr<const impl> compiled) : impl_{std::move(compiled)} {}
  bool matches(std::string_view value) const;

 private:
  std::shared_ptr<const impl> impl_;
};

struct header_match {
  std::string name;  ///< lower case
  std::string value;
  std::optional<regex> pattern;  ///< RegularExpression; absent: exact
};

enum class path_match_kind : std::uint8_t { prefix, exact, regular_expression };

/// One element of `matches`: all of its parts must hold.
struct match {
  path_match_kind path_kind = path_match_kind::prefix;
  std::string path = "/";
  std::optional<regex> path_pattern;
  std::string method;  ///< empty: any
  std::vector<header_match> headers;
  std::vector<header_match> query;
};

// ---- backends -----------------------------------------------------------------------------

struct header_mutation {
  std::vector<codec::owned_field> set;
  std::vector<std::string> remove;  ///< lower case
};

/// Paths are dotted (spec/gateway-config.md §1.7); `json` is the value as raw JSON text.
struct body_mutation {
  struct assignment {
    std::string path;
    std::string json;
  };
  std::vector<assignment> set;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && remove.empty(); }
};

enum class target_kind : std::uint8_t { fqdn, ip, unix_socket };

/// One element of Backend `endpoints`.
struct target {
  target_kind kind = target_kind::fqdn;
  std::string host;  ///< name, address, or socket path
  std::uint16_t port = 0;
  std::string hostname;  ///< Host, SNI and signing name; empty for an ip without one
  bool operator==(const target&) const = default;
};

struct upstream_tls {
  std::string server_name;                     ///< SNI and verified name; empty: target.hostname
  std::vector<std::string> subject_alt_names;  ///< verified instead of server_name when not empty
  bool is_verified = true;                     ///< false only with insecureSkipVerify
  bool uses_system_ca = true;
  std::string ca_pem;                            ///< when not the system's
  std::string certificate_pem, private_key_pem;  ///< client certificate, may be empty
  int min_version = 12, max_version = 13;
  bool operator==(const upstream_tls&) const = default;
};

/// One backendRef of a rule with everything an attempt on it needs.
struct backend {
  std::string name;  ///< the ref's name, as metrics, headers and errors show it
  std::string backend_namespace;
  /// `<route namespace>/<ref>/route/<route>/rule/<i>/ref/<j>`: its name for costs and metadata.
  std::string id;
  std::string full_name;  ///< `<route namespace>/<ref>`
  std::uint32_t priority = 0;
  std::uint32_t weight = 1;
  translate::schema schema = translate::schema::openai;
  std::string prefix = "v1";
  std::string version;
  std::string model_override;
  translate::operation_set operations;  ///< that it serves itself
  header_mutation headers;
  body_mutation body;
  std::vector<target> targets;
  std::optional<upstream_tls> tls;
  credential auth;
  std::optional<credential_override> request_auth;
  source_position position;

  translate::backend_view view() const { return {schema, prefix, version, model_override}; }
  /// What goes upstream for the client's operation.
  translate::operation upstream_operation(translate::operation op) const {
    return translate::upstream_operation(op, schema, operations);
  }
};

// ---- rules --------------------------------------------------------------------------------

struct timeouts {
  /// Request timeout; absent: none. `is_head_only`: it ends with the first byte of the response
  /// (understudy's default of 600 s), else it covers the whole answer (a written one, as Envoy).
  std::optional<milliseconds> request;
  bool is_head_only = false;
  milliseconds connect{10'000};
  std::optional<milliseconds> per_try_idle;  ///< AIGatewayRoute `streamIdleTimeout`
  std::optional<milliseconds> stream_idle;   ///< silence in a running exchange, either direction
  /// Silence inside a response whose head came: the default of an AIGatewayRoute (60 s, as
  /// FailoverPolicy's `stream.idleTimeout`) where no policy writes a `streamIdleTimeout`.
  std::optional<milliseconds> body_idle;
  milliseconds connection_idle{3'600'000};  ///< unused upstream connection
  std::optional<milliseconds> max_connection_duration;
};

enum class local_action : std::uint8_t { none, no_matching_route, invalid_backends, redirect };

/// What of a request chooses its host under ConsistentHash (spec/resilience.md §3.5).
struct hash_input {
  enum class source : std::uint8_t { client_address, headers, cookie, query } from;
  std::vector<std::string> names;  ///< headers lower case
  /// Cookie only: a request without it is given one for this long; 0 s: for the browser's session.
  std::optional<milliseconds> cookie_ttl;
  std::vector<codec::owned_field> cookie_attributes;
  bool operator==(const hash_input&) const = default;
};

/// HTTPRoute `sessionPersistence`: the host of the first answer is named to the client.
struct session_persistence {
  bool is_cookie = true;                 ///< else a header
  std::string name;                      ///< header lower case
  std::optional<milliseconds> lifetime;  ///< of a permanent cookie
  bool operator==(const session_persistence&) const = default;
};

/// BackendUtilization: what is read from load reports in response headers.
struct load_reports {
  std::vector<std::string> metrics;  ///< `named_metrics.queue`, `mem_utilization`, …
  bool is_kept = false;              ///< the client sees the reports too
  bool operator==(const load_reports&) const = default;
};

/// What an active check sends and what it takes for an answer (spec/resilience.md §4); times and
/// thresholds are in cluster.active_check.
struct health_check {
  bool is_http = true;  ///< else TCP
  std::string path = "/", method = "GET";
  std::string hostname;        ///< Host of the check; empty: the endpoint's name
  std::string route_hostname;  ///< where the endpoint has none either
  std::string request_body;
  std::vector<int> expected{200}, retriable;  ///< sorted
  std::string expected_response;              ///< in the first 1024 bytes of the body
  std::string send, receive;                  ///< TCP
  std::uint16_t port = 0;                     ///< other than the serving port
  bool operator==(const health_check&) const = default;
};

/// Keep-alive of upstream TCP connections; absent fields are the system's.
struct tcp_keepalive {
  std::optional<std::uint32_t> probes;
  std::optional<milliseconds> idle_time, interval;
  bool operator==(const tcp_keepalive&) const = default;
};

enum class ip_family : std::uint8_t { v4_preferred, v6_preferred, v4, v6, both };

/// How the names of a rule's endpoints are looked up.
struct name_lookup {
  milliseconds refresh_rate{30'000};
  bool respects_ttl = true;  ///< the answer's TTL, where it has one, instead of the rate
  ip_family family = ip_family::v4_preferred;
  bool operator==(const name_lookup&) const = default;
};

struct rule {
  std::string name;            ///< `default/provider-fallback/rule/0`
  std::vector<match> matches;  ///< any of them; empty: everything
  std::vector<backend> backends;
  resilience::cluster_params cluster;
  plan::timeouts timeouts;
  plan::failover failover;
  std::optional<hash_input> hash;
  std::optional<session_persistence> session;
  std::optional<plan::load_reports> load_reports;
  std::optional<health_check> check;
  std::optional<tcp_keepalive> keepalive;
  name_lookup lookup;
  std::optional<std::size_t> max_body_bytes;  ///< requestBuffer.limit: a longer request is 413
  std::vector<cost> costs;                    ///< the route's and the Gateways', keys unique
  local_action local = local_action::none;
  std::size_t cluster_index = 0;  ///< dense over the plan; the runtime's table is parallel to it
  header_mutation request_headers, response_headers;  ///< HTTPRoute filters
  bool is_ai = true;           ///< AIGatewayRoute: models, schemas, translation
  bool counts_tokens = false;  ///< llmRequestCosts: streamed chats have to tell their usage
  source_position position;
  std::vector<written_field> written;  ///< by whom it is decided, for explanations

  /// The field or, where it is not written, the nearest one around it; null: neither.
  const written_field* find_written(std::string_view field) const;
};

struct route {
  std::string name;  ///< `default/provider-fallback`
  bool is_ai = true;
  std::vector<std::string> hostnames;  ///< lower case; may start `*.`; empty: every host
  std::vector<rule> rules;
  source_position position;
};

/// A model that GET /v1/models lists.
struct model_entry {
  std::string id;
  std::string owned_by;
  std::int64_t created = 0;  ///< unix seconds
  std::vector<std::string> hostnames;
};

struct certificate {
  std::string chain_pem;
  std::string private_key_pem;
};

/// A match in the order in which it must be tried (spec/gateway-config.md §2.3, step 6).
struct ordered_match {
  std::uint32_t route = 0;
  std::uint32_t rule = 0;
  std::uint32_t match = 0;
};

/// Finds by text without making a string of it.
struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using text_map = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;

/// All routes of a host pattern, most specific pattern first.
struct virtual_host {
  std::string hostname;  ///< empty: any; may start `*.`
  std::vector<ordered_match> matches;
  /// Places in `matches`, ascending: of those that want exactly this model, and of all others.
  /// Made by index_matches(), so that a request looks at its own model's alone.
  text_map<std::vector<std::uint32_t>> by_model;
  std::vector<std::uint32_t> without_model;
};

struct listener {
  std::string name = "default";
  std::string address;  ///< empty: all addresses (v6 and v4)
  std::uint16_t port = 0;
  std::string hostname;
  std::vector<certificate> certificates;  ///< not empty: HTTPS
  std::vector<virtual_host> virtual_hosts;
  text_map<std::uint32_t> by_hostname;  ///< those without a wildcard; made by index_matches()
};

/// Client side limits (ClientTrafficPolicy where written; spec/resilience.md §6).
struct client_limits {
  std::size_t max_body_bytes = 50U * 1024 * 1024;
  std::size_t max_header_bytes = 60U * 1024;
  std::size_t max_headers = 100;
  std::size_t max_connections = 10'000;
  milliseconds request_headers{60'000};
  milliseconds request_body{300'000};
  milliseconds idle{3'600'000};
  bool rejects_underscores = true;
  std::vector<written_field> written;  ///< by whom
};

struct plan {
  std::vector<listener> listeners;
  std::vector<route> routes;
  std::vector<model_entry> models;
  client_limits limits;
  /// EnvoyProxy's access logs; absent: none is written, empty: the log is off.
  std::optional<std::vector<access_log>> access_logs;
  std::size_t cluster_count = 0;
  std::uint64_t generation = 1;
};

/// What a rule's matches call the model of a request.
inline constexpr std::string_view model_header = "x-ai-eg-model";

/// Makes the indices of every listener. Whoever has changed virtual hosts or matches calls it
/// before the plan is asked.
void index_matches(plan& made);

}  // namespace understudy::plan
