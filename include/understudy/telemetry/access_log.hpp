#pragma once
#include <cstdint>
#include <string>

#include <understudy/plan/log_format.hpp>
#include <understudy/telemetry/exchange_record.hpp>
#include <understudy/telemetry/header_attributes.hpp>
#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry {

enum class log_format : std::uint8_t { text, json };

struct line_source;

/// One line an exchange. Foreign text is bounded and escaped; bodies never appear, and of header
/// fields only those that a format names, credentials as `[redacted]`. One per worker.
class access_log {
 public:
  static constexpr std::size_t max_attempts = 32;  ///< listed; the rest are only counted

  access_log() = default;
  /// `attributes`: header fields that a line shows. They outlive it.
  explicit access_log(const header_attributes& attributes)
      : attributes_{attributes.empty() ? nullptr : &attributes} {}

  void append(std::string& out, const exchange_record& record, log_format format);
  /// `first_field`: of the format's response fields among the record's; no_field: they are not
  /// there.
  void append(std::string& out, const exchange_record& record, const plan::log_format& format,
              std::size_t first_field);

 private:
  void append_json_line(base::text_writer& out, const exchange_record& record);
  void append_text_line(base::text_writer& out, const exchange_record& record);

  line_source source_of(const exchange_record& record, std::size_t first_field);
  void append_attributes(base::text_writer& out, const exchange_record& record) const;

  const header_attributes* attributes_ = nullptr;
  timestamp_writer time_;
};

/// The attempts as a JSON array, bounded.
void put_attempts(base::text_writer& out, const exchange_record& record);

}  // namespace understudy::telemetry
