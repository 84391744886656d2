#pragma once
#include <understudy/plan/log_format.hpp>
#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/telemetry/header_attributes.hpp>
#include <understudy/telemetry/text.hpp>

/// Lines in formats of the user's. Nothing is allocated but the line's own growth.
namespace understudy::telemetry {

struct line_source {
  const exchange_record& record;
  timestamp_writer& time;
  std::size_t first_field;              ///< see access_log::append
  const header_attributes* attributes;  ///< null: none
};

void put_pattern_line(base::text_writer& out, const line_source& from,
                      const plan::log_format& format);
void put_fields_line(base::text_writer& out, const line_source& from,
                     const plan::log_format& format);

/// Fields whose values are shown as `[redacted]` whatever the format says, and that become no
/// attribute.
bool is_secret_field(std::string_view name);

}  // namespace understudy::telemetry
