#include <understudy/trace/tracer.hpp>

#include <algorithm>
#include <utility>

#include <understudy/codec/chunked.hpp>

#include "trace/describe.hpp"

namespace understudy::trace {
namespace {

/// The finaliser of SplitMix64: one span's id gives those of its attempts.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

std::uint64_t not_zero(base::random_source& random) {
  for (;;)
    if (const auto value = random.next(); value != 0) return value;
}

}  // namespace

void request_trace::keep_answer(std::string_view out, std::string_view data,
                                std::string_view after) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  if (answer.empty() && out.starts_with("HTTP/")) {
    const auto end = out.find(end_of_head);
    out.remove_prefix(end == out.npos ? out.size() : end + end_of_head.size());
  }
  for (const auto piece : {out, data, after})
    answer.append(piece.substr(0, max_answer_bytes - std::min(max_answer_bytes, answer.size())));
}

std::string request_trace::decoded_answer() const {
  // Neither a JSON document nor an event begins with a number and a line's end.
  const auto digits = answer.find_first_not_of("0123456789abcdefABCDEF");
  const bool is_coded = digits != 0 && digits != answer.npos &&
                        std::string_view{answer}.substr(digits).starts_with("\r\n");
  if (!is_coded) return answer;
  codec::chunk_tracker tracker;
  std::string decoded;
  for (std::string_view rest = answer; !rest.empty() && !tracker.is_done();) {
    std::string_view data;
    const auto used = tracker.next(rest, data);
    decoded.append(data);
    if (used == 0 || tracker.has_failed()) break;
    rest.remove_prefix(used);
  }
  return decoded;
}

void request_trace::reset() {
  by = nullptr;
  own = {};
  parent = 0;
  state = {};
  joined.clear();
  answer = {};
  finish_reasons.clear();
}

span_id attempt_span(const request_trace& of, std::size_t number) {
  constexpr std::uint64_t step = 0x9E3779B97F4A7C15U;
  const auto id = mixed(of.own.span + step * (number + 1));
  return id != 0 ? id : step;
}

void inject(const request_trace& of, std::size_t number, carrier& into) {
  if (of.by == nullptr || of.by->formats.empty()) return;
  span_context context = of.own;
  context.span = attempt_span(of, number);
  into.inject(context, of.state, of.by->formats);
}

tracer::tracer(std::shared_ptr<const settings> by, span_queue& queue, std::uint64_t seed)
    : by_{std::move(by)},
      queue_{queue},
      random_{seed},
      encoder_{by_->protocol, by_->max_value_bytes},
      flush_spans_{std::min<std::size_t>(64, by_->max_batch_spans)} {}

void tracer::begin(request_trace& of, const codec::field_list& fields) {
  of.by = by_.get();
  std::optional<span_context> parent;
  if (const auto found = extract(fields, by_->formats, of.joined)) {
    parent = found->context;
    of.own = found->context;
    of.parent = found->context.span;
    of.state = found->state;
  } else {
    of.own.trace = {not_zero(random_), not_zero(random_)};
  }
  of.own.span = not_zero(random_);
  of.own.is_sampled = by_->sampling.is_sampled(of.own.trace, parent);
}

void tracer::finish(const request_trace& of, const telemetry::exchange_record& record,
                    std::string_view request_body) {
  const auto answer = of.decoded_answer();
  span_.clear();
  describe_request(span_, of, record, {request_body, answer});
  encode(span_);
  for (std::size_t i = 0; i < record.attempts.size(); ++i) {
    span_.clear();
    describe_attempt(span_, of, record, i);
    encode(span_);
  }
  if (pending_.spans >= flush_spans_) flush();
}

void tracer::encode(const span& one) {
  if (by_->to_otlp) encoder_.append(pending_.otlp, one);
  if (by_->to_console) append_console_line(pending_.console, one, by_->max_value_bytes);
  ++pending_.spans;
}

void tracer::flush() {
  if (pending_.spans == 0) return;
  queue_.push(std::move(pending_));
  pending_ = {};
}

}  // namespace understudy::trace
