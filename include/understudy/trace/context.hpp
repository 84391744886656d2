#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The names of a trace and of its spans, and how they are written in header fields.
namespace understudy::trace {

/// 16 bytes, most significant first. All zero: none.
struct trace_id {
  std::uint64_t high = 0, low = 0;
  bool is_valid() const { return (high | low) != 0; }
  bool operator==(const trace_id&) const = default;
};

/// 8 bytes; 0: none.
using span_id = std::uint64_t;

std::string to_text(const trace_id& id);  ///< 32 digits, lower case
std::string to_text(span_id id);          ///< 16 digits
/// The same into memory of 32 or 16 characters.
void write_text(char* at, const trace_id& id);
void write_text(char* at, span_id id);

/// What one service tells the next of the span under which it calls.
struct span_context {
  trace_id trace;
  span_id span = 0;
  bool is_sampled = false;
  bool is_random = false;  ///< the trace's id is random (W3C level 2)
  bool operator==(const span_context&) const = default;
};

/// W3C Trace Context §3.2, strictly: lower-case hexadecimal, no id of zeros, version 00 of exactly
/// 55 characters, later versions with more behind another dash. Nothing: a new trace begins.
std::optional<span_context> parse_traceparent(std::string_view text);

/// Every list member is well-formed and there are at most 32 (§3.3). White space around members
/// and empty members are allowed.
bool is_tracestate(std::string_view text);

inline constexpr std::size_t traceparent_bytes = 55;
/// Version 00.
void write_traceparent(char* at, const span_context& context);

/// Zipkin's `b3` field: `{trace}-{span}[-{sampled}[-{parent}]]`, ids of 32 or 16 and 16 digits.
std::optional<span_context> parse_b3(std::string_view text);
/// The same in several fields; an empty view is an absent field.
std::optional<span_context> parse_b3(std::string_view trace, std::string_view span,
                                     std::string_view sampled, std::string_view flags);
/// Jaeger's `uber-trace-id`: `{trace}:{span}:{parent}:{flags}`, digits without leading zeros.
std::optional<span_context> parse_jaeger(std::string_view text);

}  // namespace understudy::trace
