#include <understudy/telemetry/exposition.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include <understudy/base/ascii.hpp>
#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry {
namespace {

void append_label_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"')
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

std::string_view type_name(metric_type t) {
  switch (t) {
    case metric_type::counter:
      return "counter";
    case metric_type::gauge:
      return "gauge";
    case metric_type::histogram:
      return "histogram";
  }
  return "untyped";
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "+Inf";
  } else {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
  }
}

/// The quality of one media range, 0 to 1000; 1000 when it has no `q`.
int quality(std::string_view range) {
  for (auto at = range.find(';'); at != std::string_view::npos; at = range.find(';', at + 1)) {
    const auto parameter = base::trim(range.substr(at + 1));
    if (!base::istarts_with(parameter, "q=")) continue;
    const std::string value{parameter.substr(2, 5)};
    const double q = std::strtod(value.c_str(), nullptr);
    return q >= 0 && q <= 1 ? static_cast<int>(q * 1000) : 0;
  }
  return 1000;
}

}  // namespace

void exposition::family(std::string_view name, metric_type type, std::string_view help) {
  name_ = name;
  type_ = type;
  const bool is_suffixed = type == metric_type::counter && !is_openmetrics_;
  const std::string_view suffix = is_suffixed ? "_total" : "";
  out_.append("# HELP ").append(name).append(suffix).append(" ").append(help).append("\n# TYPE ");
  out_.append(name).append(suffix).append(" ").append(type_name(type)).append("\n");
}

void exposition::begin(std::string_view suffix, label_span with, std::string_view bound) {
  out_ += name_;
  out_ += suffix;
  char separator = '{';
  for (const auto& [key, value] : with) {
    out_ += separator;
    out_.append(key).append("=\"");
    append_label_value(out_, value);
    out_ += '"';
    separator = ',';
  }
  if (!bound.empty()) {
    out_ += separator;
    out_.append("le=\"").append(bound).append("\"");
    separator = ',';
  }
  if (separator == ',') out_ += '}';
  out_ += ' ';
}

void exposition::sample(labels with, std::uint64_t value) {
  begin(type_ == metric_type::counter ? "_total" : "", with);
  append_number(out_, value);
  out_ += '\n';
}

void exposition::sample(labels with, std::int64_t value) {
  begin(type_ == metric_type::counter ? "_total" : "", with);
  append_number(out_, value);
  out_ += '\n';
}

void exposition::sample(labels with, double value) {
  begin(type_ == metric_type::counter ? "_total" : "", with);
  append_double(out_, value);
  out_ += '\n';
}

void exposition::sample(labels with, const histogram& value) {
  std::uint64_t cumulative = 0;
  std::string bound;
  for (std::size_t i = 0; i < histogram::bounds_ms.size(); ++i) {
    cumulative += value.bucket(i);
    bound.clear();
    append_seconds(bound, static_cast<std::uint64_t>(histogram::bounds_ms[i]) * 1'000'000);
    // OpenMetrics wants the canonical form of a float here: `1.0`, not `1`.
    if (is_openmetrics_ && bound.find('.') == std::string::npos) bound += ".0";
    begin("_bucket", with, bound);
    append_number(out_, cumulative);
    out_ += '\n';
  }
  begin("_bucket", with, "+Inf");
  append_number(out_, value.count());
  out_ += '\n';
  begin("_sum", with);
  append_seconds(out_, value.sum_nanoseconds());
  out_ += '\n';
  begin("_count", with);
  append_number(out_, value.count());
  out_ += '\n';
}

void exposition::sample(label_span with, std::span<const std::uint64_t> counts,
                        std::span<const std::uint64_t> bounds, std::uint64_t sum, unit in) {
  std::uint64_t cumulative = 0;
  std::string bound;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    cumulative += counts[i];
    bound.clear();
    if (in == unit::tokens)
      append_number(bound, bounds[i]);
    else
      append_seconds(bound, bounds[i] * 1'000);
    if (is_openmetrics_ && bound.find('.') == std::string::npos) bound += ".0";
    begin("_bucket", with, bound);
    append_number(out_, cumulative);
    out_ += '\n';
  }
  cumulative += counts[bounds.size()];
  begin("_bucket", with, "+Inf");
  append_number(out_, cumulative);
  out_ += '\n';
  begin("_sum", with);
  if (in == unit::tokens)
    append_number(out_, sum);
  else
    append_seconds(out_, sum);
  out_ += '\n';
  begin("_count", with);
  append_number(out_, cumulative);
  out_ += '\n';
}

std::string exposition::finish() {
  if (is_openmetrics_) out_ += "# EOF\n";
  return std::move(out_);
}

std::string_view exposition::content_type(bool is_openmetrics) {
  return is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                        : "text/plain; version=0.0.4; charset=utf-8";
}

bool exposition::is_openmetrics_wanted(std::string_view accept) {
  int open = 0;
  int plain = 0;
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    const auto range = base::trim(accept.substr(0, comma));
    accept = comma == std::string_view::npos ? std::string_view{} : accept.substr(comma + 1);
    const auto type = base::trim(range.substr(0, range.find(';')));
    if (base::iequals(type, "application/openmetrics-text"))
      open = std::max(open, quality(range));
    else if (base::iequals(type, "text/plain") || base::iequals(type, "text/*"))
      plain = std::max(plain, quality(range));
  }
  return open > 0 && open >= plain;
}

}  // namespace understudy::telemetry
