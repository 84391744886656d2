#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/net/head_reader.hpp>
#include <understudy/net/read_buffer.hpp>
#include <understudy/resilience/attempt_planner.hpp>
#include <understudy/telemetry/exchange_record.hpp>

/// The tables that put the planner's classes into words: log, metrics, Envoy's response flags.
namespace understudy::net {

using resilience::outcome;

inline constexpr std::size_t read_bytes = read_buffer::usual_bytes;
inline constexpr std::size_t max_read_bytes = 64U * 1024;
inline constexpr std::size_t max_collected_bytes = 64U * 1024 * 1024;
inline constexpr int max_interim = 8;  ///< 1xx heads before a response
inline constexpr head_limits upstream_limits{64U * 1024, 256};
inline constexpr std::chrono::seconds write_limit{60};  ///< a client that takes no byte

/// How the body of an accepted response ended.
enum class relay_end : std::uint8_t {
  complete,
  complete_not_reusable,
  upstream_broke,
  stream_error,  ///< the upstream said so in the stream
  idle_timeout,
  request_timeout,
  downstream_gone,
  diverged,  ///< an answer that was to take another one up does not fit on it
};

struct end_words {
  telemetry::attempt_outcome outcome;
  std::string_view details;
  resilience::attempt_planner::ending planner;
  std::string_view message{};  ///< to the client, in the stream
  std::string_view flag{};     ///< Envoy's response flag
};
const end_words& ending_words(relay_end how);

outcome failed(resilience::failure_class what, bool is_bytes_sent = false);
telemetry::attempt_outcome outcome_word(resilience::failure_class what);
/// `connection closed before a response`; for messages to people.
std::string_view cause_of(resilience::failure_class what);
/// The class that stands for "no attempt was made".
resilience::failure_class no_attempt_class(resilience::stop_reason why);
/// `URX,UF`, or `-` left empty when nothing went wrong.
std::string flags_of(resilience::stop_reason why, resilience::failure_class last);
/// Adds one to flags that may be there already.
void add_flag(std::string& flags, std::string_view flag);
/// One `server-timing` entry per attempt.
std::string server_timing(const std::vector<telemetry::attempt_record>& attempts);

}  // namespace understudy::net
