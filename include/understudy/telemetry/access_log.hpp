#pragma once
#include <cstdint>
#include <string>

#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry {

enum class log_format : std::uint8_t { text, json };

/// One line an exchange. Foreign text is bounded and escaped; headers, bodies and secrets never
/// appear, because the record has none. One per worker.
class access_log {
 public:
  static constexpr std::size_t max_attempts = 32;  ///< listed; the rest are only counted

  void append(std::string& out, const exchange_record& record, log_format format);

 private:
  void append_json_line(base::text_writer& out, const exchange_record& record);
  void append_text_line(base::text_writer& out, const exchange_record& record);

  timestamp_writer time_;
};

}  // namespace understudy::telemetry
