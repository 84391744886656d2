#pragma once
#include <chrono>
#include <optional>

#include <understudy/codec/http.hpp>

/// How long a client will wait, by its request fields. Pure; any thread.
namespace understudy::codec {

/// The shortest of what the fields say, counted from the request's arrival, or nothing. It may only
/// shorten a timeout of ours: beyond that time nobody listens, and an attempt is wasted.
///
/// SDKs: `x-stainless-timeout`, `x-stainless-read-timeout` (seconds; how long the client waits in
/// silence, so it bounds the time to the first byte). Google's: `x-server-timeout` (seconds).
/// An Envoy before us: `x-envoy-expected-rq-timeout-ms`. Fields that steer an Envoy, such as
/// `x-envoy-upstream-rq-timeout-ms`, are never honoured (spec/resilience.md §1.11).
/// Others: `x-request-timeout-ms`, `x-request-timeout` (seconds, or `30s`, `500ms`),
/// `grpc-timeout` (`100m`). Values that are not positive, can't be read or are beyond a day say
/// nothing.
std::optional<std::chrono::milliseconds> client_deadline(const field_list& fields);

}  // namespace understudy::codec
