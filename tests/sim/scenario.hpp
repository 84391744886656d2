#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/network.hpp"

namespace sim {

/// What an upstream does to one request.
enum class script : std::uint8_t {
  good,
  good_then_close,   ///< `connection: close`
  good_then_gone,    ///< says it is kept, and closes it some time later
  good_then_stray,   ///< bytes that nobody asked for, some time later
  good_until_close,  ///< body delimited by the connection's end
  good_after_interim,
  slow_head,
  slow_words,
  comments_first,  ///< pings for a while, then content
  error_status,
  retry_after,
  context_window,
  close_before_head,
  reset_before_head,
  half_a_head,
  garbage,
  hang,
  cut,        ///< FIN at any byte of the answer
  cut_reset,  ///< RST at any byte
  silence,    ///< from any byte on
  in_band_first,
  in_band_later,
  polite_cut,  ///< a proper end of the body, none of the answer
  html,
  empty,
  comments_only,
  error_before_body,  ///< answers and closes before it has read the request
  bad_framing,        ///< chunk size or frame checksum
};
std::string_view name(script s);

struct host_plan {
  std::string address;
  bool is_bedrock = false;
  std::vector<script> scripts;  ///< drawn from, evenly
  std::vector<script> later;    ///< … from `turns_at` on
  duration turns_at{};
  std::uint32_t refuse_percent = 0, hang_percent = 0;  ///< of connections
  weather up, down;
};

enum class leaving : std::uint8_t { never, close, reset, half_close };

struct request_plan {
  std::string id;
  std::string model = "m";
  bool is_stream = false;
  std::size_t padding = 0;  ///< bytes more in the body
  bool is_chunked = false;
  duration think{};  ///< before it is sent, from the end of the one before
  leaving how = leaving::never;
  duration leaves_after{};  ///< from when it was sent
};

struct client_plan {
  duration starts_at{};
  std::vector<request_plan> requests;
  bool is_pipelining = false;       ///< sends all at once, waits for all
  std::size_t reads_at_a_time = 0;  ///< 0: all there is, at once
  duration reads_every{};
  bool stops_reading = false;  ///< altogether, after the first bytes of a body
  weather up, down;
};

enum class joining : std::uint8_t { never, verify, resume };

/// Everything of one run but the code under test; follows from the seed alone.
struct scenario {
  std::uint64_t seed = 0;
  std::string yaml;
  std::string policy;  ///< in a few words

  // What the configuration promises, for the checks.
  std::uint32_t max_attempts = 1;
  joining joins = joining::never;
  bool has_keep_alive = false;
  bool holds = true;
  bool holds_all = false;  ///< `onBreak: buffer`
  bool passes_in_band_errors = false;
  std::optional<duration> request_timeout;  ///< of the whole exchange
  duration longest{};                       ///< an exchange may ever take
  std::uint32_t retry_slots = 0;            ///< at a time; 0: not known
  bool has_hedges = false;

  std::vector<host_plan> hosts;
  std::vector<client_plan> clients;
  std::optional<duration> drains_at, aborts_at, reloads_at;
};

scenario make_scenario(std::uint64_t seed);

}  // namespace sim
