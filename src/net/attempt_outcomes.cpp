#include <understudy/net/attempt_outcomes.hpp>

#include <array>
#include <cstdio>

namespace understudy::net {

using resilience::failure_class;
using resilience::stop_reason;
using telemetry::attempt_outcome;
using ending = resilience::attempt_planner::ending;

const end_words& ending_words(relay_end how) {
  static constexpr std::array<end_words, 8> words{{
      {attempt_outcome::ok, {}, ending::complete},
      {attempt_outcome::ok, {}, ending::complete},
      {attempt_outcome::stream_broken, "upstream_broke", ending::upstream_broke,
       "the upstream connection ended within its answer", "UC"},
      {attempt_outcome::stream_broken, "upstream_stream_error", ending::upstream_broke,
       "the upstream reported an error within its answer", "UPE"},
      {attempt_outcome::stream_idle, "stream_idle_timeout", ending::idle_timeout,
       "the upstream fell silent within its answer", "SI"},
      {attempt_outcome::request_timeout, "request_timeout", ending::request_timeout,
       "the request timeout was reached within the answer", "UT"},
      {attempt_outcome::cancelled, "downstream_gone", ending::downstream_gone, {}, "DC"},
      {attempt_outcome::stream_broken, "resumed_answer_differs", ending::downstream_gone,
       "the upstream broke off, and another one would have gone on differently", "UC"},
  }};
  return words[static_cast<std::size_t>(how)];
}

void add_flag(std::string& flags, std::string_view flag) {
  if (flag.empty() || flags.find(flag) != std::string::npos) return;
  if (!flags.empty()) flags += ',';
  flags += flag;
}

outcome failed(failure_class what, bool is_bytes_sent) {
  outcome result;
  result.what = what;
  result.is_bytes_sent = is_bytes_sent;
  return result;
}

attempt_outcome outcome_word(failure_class what) {
  switch (what) {
    case failure_class::status:
      return attempt_outcome::status;
    case failure_class::connect:
      return attempt_outcome::connect_failure;
    case failure_class::connect_timeout:
      return attempt_outcome::connect_timeout;
    case failure_class::closed:
      return attempt_outcome::closed;
    case failure_class::protocol:
      return attempt_outcome::protocol_error;
    case failure_class::per_try:
      return attempt_outcome::per_try_timeout;
    case failure_class::global:
      return attempt_outcome::request_timeout;
    case failure_class::in_band:
      return attempt_outcome::in_band_error;
    case failure_class::unprepared:
      return attempt_outcome::no_credentials;
    case failure_class::local_shortage:
      return attempt_outcome::local_shortage;
    case failure_class::overflow:
    case failure_class::no_host:
      break;
  }
  return attempt_outcome::overflow;
}

std::string_view cause_of(failure_class what) {
  switch (what) {
    case failure_class::status:
      return "an error status";
    case failure_class::connect:
      return "connection failed";
    case failure_class::connect_timeout:
      return "connect timeout";
    case failure_class::closed:
      return "connection closed before a response";
    case failure_class::protocol:
      return "malformed response";
    case failure_class::per_try:
      return "no response within the per-try timeout";
    case failure_class::global:
      return "no response within the request timeout";
    case failure_class::overflow:
      return "too many requests in flight";
    case failure_class::in_band:
      return "an error instead of an answer";
    case failure_class::unprepared:
      return "no credentials";
    case failure_class::local_shortage:
      return "the proxy is short of descriptors or memory";
    case failure_class::no_host:
      break;
  }
  return "no healthy endpoint";
}

failure_class no_attempt_class(stop_reason why) {
  if (why == stop_reason::overflow) return failure_class::overflow;
  if (why == stop_reason::request_timeout) return failure_class::global;
  return failure_class::no_host;
}

std::string flags_of(stop_reason why, failure_class last) {
  std::string flags;
  const auto add = [&](std::string_view flag) {
    if (!flags.empty()) flags += ',';
    flags += flag;
  };
  if (why == stop_reason::retries_exhausted) add("URX");
  if (why == stop_reason::no_healthy_host) return "UH";
  if (why == stop_reason::retry_overflow || why == stop_reason::overflow) add("UO");
  if (why == stop_reason::request_timeout) {
    add("UT");
    return flags;
  }
  switch (last) {
    case failure_class::connect:
    case failure_class::connect_timeout:
    case failure_class::local_shortage:
      add("UF");
      break;
    case failure_class::closed:
      add("UC");
      break;
    case failure_class::protocol:
    case failure_class::in_band:
      add("UPE");
      break;
    case failure_class::per_try:
    case failure_class::global:
      add("UT");
      break;
    case failure_class::status:
    case failure_class::overflow:
    case failure_class::no_host:
    case failure_class::unprepared:
      break;
  }
  return flags;
}

std::string server_timing(const std::vector<telemetry::attempt_record>& attempts) {
  std::string text;
  int number = 0;
  for (const auto& a : attempts) {
    char entry[64];
    std::snprintf(entry, sizeof entry, "%sattempt-%d;dur=%.1f;desc=\"", text.empty() ? "" : ", ",
                  ++number, std::chrono::duration<double, std::milli>(a.elapsed).count());
    text += entry;
    text.append(a.backend).append(" ").append(telemetry::name(a.outcome));
    if (a.status != 0) text += " " + std::to_string(a.status);
    text += '"';
  }
  return text;
}

}  // namespace understudy::net
