#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/base/short_text.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::telemetry {

/// `openai`, `aws.bedrock`, …: OpenTelemetry's name of who serves a schema.
std::string_view provider_name(translate::schema s);
/// `chat`, `embeddings`, …: OpenTelemetry's name of what was asked for; empty where it has none.
std::string_view operation_name(translate::operation op);

/// How an attempt ended: metric label and access-log word.
enum class attempt_outcome : std::uint8_t {
  ok,
  status,
  connect_failure,
  connect_timeout,
  closed,
  protocol_error,
  per_try_timeout,
  request_timeout,
  overflow,
  stream_broken,
  stream_idle,
  cancelled,
  untranslatable,
  no_credentials,
  in_band_error,   ///< an error, or no answer, inside a 2xx before its first content
  superseded,      ///< the attempt beside it was quicker
  local_shortage,  ///< this process was short of descriptors or memory
};
inline constexpr std::size_t attempt_outcome_count =
    static_cast<std::size_t>(attempt_outcome::local_shortage) + 1;
std::string_view name(attempt_outcome o);

struct attempt_record {
  std::string_view backend;           ///< of the pinned plan
  const plan::backend* to = nullptr;  ///< the same, whole; lives as long as the exchange
  std::uint32_t priority = 0;
  std::string_view model;            ///< as sent, after an override
  base::short_text<64> address;      ///< of the endpoint; empty when none was found
  base::duration start{};            ///< after the complete request
  base::duration time_to_content{};  ///< of a 2xx, from its start; 0: none came
  attempt_outcome outcome = attempt_outcome::ok;
  int status = 0;            ///< 0 when no head came
  bool is_reused = false;    ///< on a pooled connection
  bool is_replayed = false;  ///< sent again at no cost after a stale connection
  bool is_hedge = false;     ///< ran beside another one
  /// Output of an attempt whose answer the client did not get: the provider's count, or an estimate
  /// from the text seen. Somebody pays for it.
  std::uint64_t abandoned_tokens = 0;
  base::duration elapsed{};
};

/// What one of `llmRequestCosts` came to.
struct cost_record {
  std::string_view key;  ///< `metadataKey`, of the pinned plan
  std::uint64_t value = 0;
};

enum class error_origin : std::uint8_t { none, upstream, proxy, client };
std::string_view name(error_origin o);

/// One finished exchange. Filled by the session, read by the sinks before it is reused.
struct exchange_record {
  base::wall_time start{};
  std::string_view listener;
  std::string_view client_address;
  std::string_view request_id;
  std::string_view method;
  std::string_view path;                ///< without query
  std::string_view authority;           ///< Host
  std::string_view route;               ///< empty when none matched
  const plan::rule* matched = nullptr;  ///< of the pinned plan
  const codec::field_list* request_fields = nullptr;
  std::string_view model;               ///< as asked
  base::short_text<96> model_answered;  ///< as the answer names it; empty: it does not
  base::short_text<96> response_id;     ///< the provider's, of the answer
  translate::operation op = translate::operation::unknown;
  bool is_ai = false;
  bool is_stream = false;
  bool is_tls = false;
  int version = 11;  ///< of the client's HTTP: 10 or 11
  int status = 0;    ///< 0: the client left before an answer
  error_origin origin = error_origin::none;
  std::string_view details;  ///< short cause of a local reply or a cut, empty when all went well
  std::string flags;         ///< Envoy's response flags (`URX,UF`)
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  base::duration time_to_first_byte{};  ///< request complete → first response byte downstream
  base::duration time_to_content{};     ///< request complete → content; streams; 0: none came
  base::duration elapsed{};
  std::vector<attempt_record> attempts;
  std::size_t answered = no_attempt;  ///< which of them the client has its answer from
  translate::token_usage usage;
  std::vector<cost_record> costs;  ///< of a whole 2xx
  std::uint32_t cost_errors = 0;   ///< costs that could not be computed
  /// Fields of the answer that the access log asks for, in its order; may be shorter.
  std::vector<std::string> response_fields;
  std::uint64_t response_fields_of = 0;  ///< which generation of the log's formats asked

  static constexpr std::size_t no_attempt = SIZE_MAX, no_field = SIZE_MAX;

  /// The attempt that stands for the exchange: the one that answered, else the last. Null: none.
  const attempt_record* decisive() const {
    if (answered < attempts.size()) return &attempts[answered];
    return attempts.empty() ? nullptr : &attempts.back();
  }
  /// Empties it; vectors and strings keep their memory.
  void reset();
};

}  // namespace understudy::telemetry
