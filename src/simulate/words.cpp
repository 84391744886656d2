#include "simulate/words.hpp"

#include <algorithm>

#include "simulate/recorder.hpp"

namespace understudy::simulate {
namespace {

using config::fault_kind;

std::string padded(std::int64_t n, std::size_t width) {
  auto out = std::to_string(n);
  return out.size() < width ? std::string(width - out.size(), '0') + out : out;
}

std::string latency_text(const config::latency_spec& spec) {
  const auto p50 = duration_text(spec.at_quantile[1]), p99 = duration_text(spec.at_quantile[3]);
  return p50 == p99 ? p50 : p50 + ", p99 " + p99;
}

std::string head_text(const cause_key& cause, const std::string& backend) {
  switch (cause.last) {
    case failure_class::status:
      return "status " + std::to_string(cause.status) + " of " + backend;
    case failure_class::connect:
      return backend + " refused the connection";
    case failure_class::connect_timeout:
      return "connect timeout at " + backend;
    case failure_class::closed:
      return backend + " closed the connection before it answered";
    case failure_class::protocol:
      return "malformed response of " + backend;
    case failure_class::per_try:
      return backend + " was silent until the per-try timeout";
    case failure_class::global:
      return "request timeout";
    case failure_class::in_band:
      return "error of " + backend + " inside a 200";
    case failure_class::unprepared:
      return "no credentials for " + backend;
    case failure_class::local_shortage:
      return "the proxy is short of descriptors or memory";
    case failure_class::overflow:
      return "circuit breaker open";
    case failure_class::no_host:
      break;
  }
  return "no healthy endpoint";
}

}  // namespace

std::string describe(const cause_key& cause, const std::string& backend) {
  switch (cause.where) {
    case cause_key::phase::cut:
      return backend + " broke off inside the answer";
    case cause_key::phase::in_band:
      return "error of " + backend + " inside a 200";
    case cause_key::phase::gone:
      return "the client gave up waiting for " + backend;
    case cause_key::phase::too_long:
      return "request timeout inside the answer of " + backend;
    case cause_key::phase::head:
      break;
  }
  return head_text(cause, backend);
}

std::string duration_text(microseconds t) {
  const auto ms = std::chrono::round<std::chrono::milliseconds>(t).count();
  if (ms < 1000) return std::to_string(ms) + "ms";
  const auto seconds = ms / 1000, rest = ms % 1000;
  if (seconds >= 60) {
    auto out = std::to_string(seconds / 60) + "m";
    if (seconds % 60 > 0 || rest > 0) out += std::to_string(seconds % 60) + "s";
    return out;
  }
  if (rest == 0) return std::to_string(seconds) + "s";
  auto fraction = padded(rest, 3);
  while (fraction.ends_with('0')) fraction.pop_back();
  return std::to_string(seconds) + "." + fraction + "s";
}

std::string clock_text(microseconds t) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(t).count();
  const auto seconds = ms / 1000;
  const auto tail = padded(seconds % 60, 2) + "." + padded(ms % 1000, 3);
  if (seconds < 3600) return std::to_string(seconds / 60) + ":" + tail;
  return std::to_string(seconds / 3600) + ":" + padded(seconds / 60 % 60, 2) + ":" + tail;
}

std::string count_text(std::uint64_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string{noun} + (n == 1 ? "" : "s");
}

std::string describe(const config::scenario_fault& fault) {
  std::string out;
  switch (fault.kind) {
    case fault_kind::status:
      out = "answers " + std::to_string(fault.status);
      break;
    case fault_kind::throttle:
      out = "throttles with " + std::to_string(fault.status);
      break;
    case fault_kind::refuse:
      out = "refuses connections";
      break;
    case fault_kind::unreachable:
      out = "can't be reached";
      break;
    case fault_kind::hang:
      out = "accepts and says nothing";
      break;
    case fault_kind::slow:
      out = "is slow (" + latency_text(fault.latency) + ")";
      break;
    case fault_kind::slow_first_token:
      out = "is slow to its first token (" + latency_text(fault.latency) + ")";
      break;
    case fault_kind::reset:
      out = "closes connections without an answer";
      break;
    case fault_kind::malformed:
      out = "answers garbage";
      break;
    case fault_kind::cut:
      out = "breaks off after " + std::to_string(fault.cut_after) + " % of the answer";
      break;
    case fault_kind::in_band_error:
      out = "sends an error inside a 200";
      break;
  }
  if (fault.retry_after) out += ", retry-after " + duration_text(*fault.retry_after);
  if (fault.share.value < 100) out += ", " + std::to_string(fault.share.value) + " % of the time";
  if (fault.endpoint.is_written) out += ", at " + fault.endpoint.value;
  return out;
}

std::string percent_text(double value) {
  const auto thousandths = static_cast<std::int64_t>(value * 1000 + 0.5);
  // Never rounded up to a whole that it is not.
  const auto shown = value < 100 && thousandths == 100'000 ? 99'999 : thousandths;
  auto fraction = padded(shown % 1000, 3);
  if (fraction.back() == '0') fraction.pop_back();
  return std::to_string(shown / 1000) + "." + fraction;
}

std::string sentence_of(const timeline_row& row) {
  switch (row.kind) {
    case row_kind::fault:
      return row.backend + " " + row.text;
    case row_kind::over:
      return row.backend + " (" + row.text + ")";
    case row_kind::error:
      return count_text(row.count, "client") + " got: " + row.text;
    case row_kind::panic:
      return count_text(row.count, "call") + " " + row.text + ": " + row.backend;
    case row_kind::moved:
    case row_kind::saved:
    case row_kind::hedged:
      return count_text(row.count, "request") + " " + row.text + ": " + row.backend;
    case row_kind::refused:
      return row.backend + " " + row.text +
             (row.count > 1 ? " (" + std::to_string(row.count) + " times)" : "");
    case row_kind::ejected:
    case row_kind::returned:
      break;
  }
  return row.backend + " " + row.text;
}

std::string place_text(const origin& at) {
  return at.at.file + ":" + std::to_string(at.at.line) + ":" + std::to_string(at.at.column);
}

namespace {

std::string value_text(const config::scenario_expectation& e, double value) {
  using subject = config::scenario_expectation::subject;
  switch (e.what) {
    case subject::p50:
    case subject::p90:
    case subject::p95:
    case subject::p99:
    case subject::longest:
      return duration_text(microseconds{static_cast<std::int64_t>(value * 1000)});
    case subject::availability:
    case subject::cost_factor:
      return percent_text(value);
    case subject::client_errors:
    case subject::attempts:
    case subject::ejections:
      break;
  }
  return std::to_string(static_cast<std::int64_t>(value));
}

}  // namespace

std::string wanted_text(const expectation_result& e) {
  auto field = e.wanted.field;
  if (field.starts_with("expect.")) field.erase(0, 7);
  if (field.ends_with(".min") || field.ends_with(".max")) field.resize(field.size() - 4);
  return field + " " + std::string{symbol(e.wanted.how)} + " " +
         value_text(e.wanted, e.wanted.value);
}

std::string got_text(const expectation_result& e) { return value_text(e.wanted, e.got); }

std::size_t shown_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> out;
  std::string line;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!line.empty() && shown_width(line) + 1 + shown_width(word) > width) {
      out.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) out.push_back(std::move(line));
  return out;
}

std::string_view name(row_kind kind) {
  static constexpr std::array<std::string_view, row_kinds> names{
      "fault",   "over",  "error", "ejected", "returned",
      "refused", "panic", "moved", "saved",   "hedged"};
  static_assert(!names.back().empty());
  return names[static_cast<std::size_t>(kind)];
}

bool report::is_met() const {
  for (const auto& e : expectations)
    if (!e.is_met) return false;
  return true;
}

}  // namespace understudy::simulate
