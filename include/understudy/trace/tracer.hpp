#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/trace/otlp.hpp>
#include <understudy/trace/propagation.hpp>
#include <understudy/trace/settings.hpp>
#include <understudy/trace/span_queue.hpp>

namespace understudy::trace {

/// What one exchange knows of its trace. Belongs to the exchange; reused.
struct request_trace {
  const settings* by = nullptr;  ///< null: tracing is off
  span_context own;              ///< the request's span
  span_id parent = 0;            ///< the client's; 0: this is the root
  std::string_view state;        ///< tracestate that goes on; a view into the head or `joined`
  std::string joined;
  std::string answer;  ///< body that the client got, where content is asked for
  std::vector<std::string> finish_reasons;  ///< of the answer, in the provider's words

  bool is_recorded() const { return by != nullptr && own.is_sampled; }
  bool wants_answer() const { return is_recorded() && by->content.has_outputs; }
  bool wants_finish_reasons() const { return is_recorded() && by->names == convention::gen_ai; }
  /// Bytes on their way to the client, one piece behind the other; of a head in front of them
  /// nothing is kept, of the rest max_answer_bytes.
  void keep_answer(std::string_view out, std::string_view data, std::string_view after);
  /// What is kept, without the chunks that it may have come in.
  std::string decoded_answer() const;
  void reset();

  static constexpr std::size_t max_answer_bytes = std::size_t{256} << 10;
};

/// The span of attempt `number` (from 0): made of the request's own, so that nothing is stored.
span_id attempt_span(const request_trace& of, std::size_t number);

/// The fields with which attempt `number` goes upstream. Does nothing where tracing is off.
void inject(const request_trace& of, std::size_t number, carrier& into);

/// Bodies of an exchange, for attributes.
struct exchange_bodies {
  std::string_view request;  ///< as the client sent it
  std::string_view answer;   ///< as the client got it, without coding; empty where it is not kept
};

/// Starts and ends the traces of one worker's exchanges. A request that is not sampled costs the
/// reading of its context and two random numbers, and allocates nothing. Not thread-safe.
class tracer {
 public:
  /// `queue` outlives it.
  tracer(std::shared_ptr<const settings> by, span_queue& queue, std::uint64_t seed);

  /// The head is complete. `fields` live as long as the exchange.
  void begin(request_trace& of, const codec::field_list& fields);
  /// The exchange is over: its spans go to the queue, soon. For recorded ones only.
  /// `request_body`: as the client sent it.
  void finish(const request_trace& of, const telemetry::exchange_record& record,
              std::string_view request_body);
  /// Hands over what is pending. From the worker's tick.
  void flush();

 private:
  void encode(const span& one);

  std::shared_ptr<const settings> by_;
  span_queue& queue_;
  base::seeded_random random_;
  otlp_encoder encoder_;
  span span_;
  span_batch pending_;
  std::size_t flush_spans_;
};

}  // namespace understudy::trace
