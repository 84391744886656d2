#include <understudy/telemetry/events.hpp>
#include <understudy/telemetry/exchange_record.hpp>

namespace understudy::telemetry {

std::string_view name(attempt_outcome o) {
  switch (o) {
    case attempt_outcome::ok:
      return "ok";
    case attempt_outcome::status:
      return "status";
    case attempt_outcome::connect_failure:
      return "connect_failure";
    case attempt_outcome::connect_timeout:
      return "connect_timeout";
    case attempt_outcome::closed:
      return "closed";
    case attempt_outcome::protocol_error:
      return "protocol_error";
    case attempt_outcome::per_try_timeout:
      return "per_try_timeout";
    case attempt_outcome::request_timeout:
      return "request_timeout";
    case attempt_outcome::overflow:
      return "overflow";
    case attempt_outcome::stream_broken:
      return "stream_broken";
    case attempt_outcome::stream_idle:
      return "stream_idle";
    case attempt_outcome::cancelled:
      return "cancelled";
    case attempt_outcome::untranslatable:
      return "untranslatable";
    case attempt_outcome::no_credentials:
      return "no_credentials";
    case attempt_outcome::in_band_error:
      return "in_band_error";
    case attempt_outcome::superseded:
      return "superseded";
    case attempt_outcome::local_shortage:
      return "local_shortage";
  }
  return "unknown";
}

std::string_view name(error_origin o) {
  switch (o) {
    case error_origin::none:
      return "none";
    case error_origin::upstream:
      return "upstream";
    case error_origin::proxy:
      return "proxy";
    case error_origin::client:
      return "client";
  }
  return "unknown";
}

std::string_view name(event_kind k) {
  switch (k) {
    case event_kind::ejection:
      return "ejection";
    case event_kind::returned:
      return "return";
    case event_kind::failover:
      return "failover";
    case event_kind::reload:
      return "reload";
    case event_kind::drain:
      return "drain";
    case event_kind::credentials:
      return "credentials";
    case event_kind::check_failed:
      return "check_failed";
    case event_kind::check_passed:
      return "check_passed";
  }
  return "unknown";
}

}  // namespace understudy::telemetry
