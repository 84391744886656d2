#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/trace/tracer.hpp>

/// What spans say, as pure functions of a finished record.
namespace understudy::trace {

using telemetry::attempt_record;
using telemetry::exchange_record;

void describe_request(span& out, const request_trace& of, const exchange_record& record,
                      const exchange_bodies& bodies);
void describe_attempt(span& out, const request_trace& of, const exchange_record& record,
                      std::size_t number);

/// Nanoseconds since the epoch, `after` the start of the record.
std::int64_t time_of(const exchange_record& record, base::duration after = {});

/// The model that answered, as far as it is known: the answer's word, what was sent, what was
/// asked.
std::string_view answering_model(const exchange_record& record);

// One file a convention.
namespace openinference {
std::string_view span_name(translate::operation op);
void describe_request(span& out, const request_trace& of, const exchange_record& record,
                      const exchange_bodies& bodies);
void describe_attempt(span& out, const exchange_record& record, const attempt_record& attempt);
}  // namespace openinference

namespace gen_ai {
/// `chat gpt-5`
std::string_view span_name(span& out, const exchange_record& record);
void describe_request(span& out, const request_trace& of, const exchange_record& record,
                      const exchange_bodies& bodies);
void describe_attempt(span& out, const exchange_record& record, const attempt_record& attempt);
}  // namespace gen_ai

}  // namespace understudy::trace
