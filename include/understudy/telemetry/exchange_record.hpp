#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::telemetry {

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
  in_band_error,  ///< an error, or no answer, inside a 2xx before its first content
  superseded,     ///< the attempt beside it was quicker
};
inline constexpr std::size_t attempt_outcome_count =
    static_cast<std::size_t>(attempt_outcome::superseded) + 1;
std::string_view name(attempt_outcome o);

struct attempt_record {
  std::string_view backend;  ///< of the pinned plan
  std::uint32_t priority = 0;
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

enum class error_origin : std::uint8_t { none, upstream, proxy, client };
std::string_view name(error_origin o);

/// One finished exchange. Filled by the session, read by the sinks before it is reused.
struct exchange_record {
  base::wall_time start{};
  std::string_view listener;
  std::string_view client_address;
  std::string_view request_id;
  std::string_view method;
  std::string_view path;   ///< without query
  std::string_view route;  ///< empty when none matched
  std::string_view model;  ///< as asked
  translate::operation op = translate::operation::unknown;
  bool is_ai = false;
  bool is_stream = false;
  int status = 0;  ///< 0: the client left before an answer
  error_origin origin = error_origin::none;
  std::string_view details;  ///< short cause of a local reply or a cut, empty when all went well
  std::string flags;         ///< Envoy's response flags (`URX,UF`)
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  base::duration time_to_first_byte{};  ///< request complete → first response byte downstream
  base::duration elapsed{};
  std::vector<attempt_record> attempts;
  translate::token_usage usage;
};

}  // namespace understudy::telemetry
