#include "simulate/foresee.hpp"

#include <algorithm>

namespace understudy::simulate {
namespace {

using base::duration;
using resilience::failure_class;

constexpr int in_band_status = 500;  // what an error inside a 200 stands for

foreseen failed(failure_class what, bool is_sent, time_point at) {
  foreseen out;
  out.at = at;
  out.result.what = what;
  out.result.is_bytes_sent = is_sent;
  return out;
}

foreseen answered(const plan::rule& rule, const behaviour& meets, time_point at) {
  auto out = failed(meets.what, true, at);
  if (meets.what != failure_class::status) return out;
  out.result.status = meets.status;
  out.result.retry_after = meets.retry_after;
  if (meets.end == behaviour::ending::in_band_error && rule.is_ai && rule.failover.holds) {
    out.result.what = failure_class::in_band;
    out.result.status = in_band_status;
  }
  return out;
}

foreseen before_deadline(const plan::rule& rule, const behaviour& meets,
                         const resilience::decision& chosen, time_point now) {
  const auto& times = rule.timeouts;
  if (!meets.connects && meets.is_refused)
    return failed(failure_class::connect, false, now + meets.connect);
  if (!meets.connects || meets.connect > times.connect)
    return failed(failure_class::connect_timeout, false, now + times.connect);
  auto patience = duration::max();
  if (chosen.per_try_timeout) patience = *chosen.per_try_timeout;
  if (times.per_try_idle) patience = std::min<duration>(patience, *times.per_try_idle);
  // From the start of the attempt, unlike the others.
  if (chosen.first_token_timeout)
    patience = std::min(patience, std::max(*chosen.first_token_timeout - meets.connect, {}));
  const auto connected = now + meets.connect;
  if (meets.head > patience) return failed(failure_class::per_try, true, connected + patience);
  if (meets.head == duration::max()) return {};
  return answered(rule, meets, connected + meets.head);
}

}  // namespace

foreseen foresee(const plan::rule& rule, const behaviour& meets, const resilience::decision& chosen,
                 time_point deadline, time_point now) {
  const auto out = before_deadline(rule, meets, chosen, now);
  if (out.at < deadline || deadline == time_point::max()) return out;
  return failed(failure_class::global, true, deadline);
}

}  // namespace understudy::simulate
