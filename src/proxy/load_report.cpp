#include <understudy/proxy/load_report.hpp>

#include <algorithm>
#include <bit>
#include <charconv>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>

namespace understudy::proxy {
namespace {

/// Takes the metrics one by one, by their path in the report: `cpu_utilization`,
/// `named_metrics.queue`.
class collector {
 public:
  explicit collector(const plan::load_reports& settings) : settings_{settings} {}

  void add(std::string_view name, double value) {
    if (name == "rps_fractional") report_.qps = value;
    if (name == "eps") report_.eps = value;
    if (name == "application_utilization") application_ = value;
    if (name == "cpu_utilization") cpu_ = value;
    if (std::ranges::find(settings_.metrics, name) != settings_.metrics.end())
      largest_ = std::max(largest_, value);
  }
  resilience::load_report report() const {
    auto out = report_;
    out.utilization = application_ > 0 ? application_ : largest_ > 0 ? largest_ : cpu_;
    return out;
  }

 private:
  const plan::load_reports& settings_;
  resilience::load_report report_;
  double application_ = 0, cpu_ = 0, largest_ = 0;
};

bool read_number(std::string_view text, double& out) {
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, out);
  return failure == std::errc{} && at == end;
}

bool read_text(std::string_view text, collector& out) {
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto pair = base::trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto equals = pair.find('=');
    double value = 0;
    if (equals == pair.npos || !read_number(base::trim(pair.substr(equals + 1)), value))
      return false;
    out.add(base::trim(pair.substr(0, equals)), value);
  }
  return true;
}

/// Protobuf's JSON allows both spellings of a field.
std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper) out += '_';
    out += base::to_lower(c);
  }
  return out;
}

bool read_json(std::string_view text, collector& out) {
  codec::json_reader all{text};
  while (all.next()) {
    const auto& value = all.value();
    const std::string name = snake_case(all.raw_key());
    double number = 0;
    if (value.kind == codec::json_kind::number && read_number(value.text, number))
      out.add(name, number);
    if (value.kind != codec::json_kind::object) continue;
    codec::json_reader inner{value.text};
    while (inner.next())
      if (inner.value().kind == codec::json_kind::number && read_number(inner.value().text, number))
        out.add(name + "." + std::string{inner.raw_key()}, number);
  }
  return !all.failure();
}

/// The little of protobuf's wire format that a report needs. False where the bytes end early.
class wire_reader {
 public:
  explicit wire_reader(std::string_view bytes) : rest_{bytes} {}
  bool is_at_end() const { return rest_.empty(); }

  bool varint(std::uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool fixed64(double& out) {
    if (rest_.size() < 8) return false;
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 8; ++i)
      bits |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(8);
    out = std::bit_cast<double>(bits);
    return true;
  }
  bool bytes(std::string_view& out) {
    std::uint64_t size = 0;
    if (!varint(size) || size > rest_.size()) return false;
    out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool skip(std::size_t n) {
    if (rest_.size() < n) return false;
    rest_.remove_prefix(n);
    return true;
  }

 private:
  std::string_view rest_;
};

enum wire_type : std::uint64_t {
  wire_varint = 0,
  wire_fixed64 = 1,
  wire_bytes = 2,
  wire_fixed32 = 5
};

bool read_map_entry(std::string_view bytes, std::string_view prefix, collector& out) {
  wire_reader in{bytes};
  std::string_view key;
  double value = 0;
  while (!in.is_at_end()) {
    std::uint64_t tag = 0;
    if (!in.varint(tag)) return false;
    const bool is_read = tag == (1 << 3 | wire_bytes)     ? in.bytes(key)
                         : tag == (2 << 3 | wire_fixed64) ? in.fixed64(value)
                                                          : false;
    if (!is_read) return false;
  }
  out.add(std::string{prefix} + std::string{key}, value);
  return true;
}

std::string_view scalar_name(std::uint64_t number) {
  switch (number) {
    case 1:
      return "cpu_utilization";
    case 2:
      return "mem_utilization";
    case 6:
      return "rps_fractional";
    case 7:
      return "eps";
    case 9:
      return "application_utilization";
    default:
      return {};
  }
}

std::string_view map_prefix(std::uint64_t number) {
  switch (number) {
    case 4:
      return "request_cost.";
    case 5:
      return "utilization.";
    case 8:
      return "named_metrics.";
    default:
      return {};
  }
}

bool read_binary(std::string_view base64, collector& out) {
  const auto decoded = codec::base64_decode(base64);
  if (!decoded) return false;
  wire_reader in{*decoded};
  while (!in.is_at_end()) {
    std::uint64_t tag = 0, number = 0;
    double value = 0;
    std::string_view bytes;
    if (!in.varint(tag)) return false;
    bool is_read = false;
    switch (tag & 7) {
      case wire_varint:
        is_read = in.varint(number);
        break;
      case wire_fixed64:
        is_read = in.fixed64(value);
        if (is_read) out.add(scalar_name(tag >> 3), value);
        break;
      case wire_bytes:
        is_read = in.bytes(bytes);
        if (is_read && !map_prefix(tag >> 3).empty())
          is_read = read_map_entry(bytes, map_prefix(tag >> 3), out);
        break;
      case wire_fixed32:
        is_read = in.skip(4);
        break;
      default:
        break;
    }
    if (!is_read) return false;
  }
  return true;
}

bool read_field(std::string_view value, collector& out) {
  const auto space = std::min(value.find(' '), value.size());
  const auto format = value.substr(0, space);
  const auto rest = base::trim(value.substr(space));
  if (format == "TEXT") return read_text(rest, out);
  if (format == "JSON") return read_json(rest, out);
  return format == "BIN" && read_binary(rest, out);
}

}  // namespace

bool is_load_report(std::string_view field_name) {
  return base::iequals(field_name, "endpoint-load-metrics") ||
         base::iequals(field_name, "endpoint-load-metrics-bin");
}

std::optional<resilience::load_report> read_load_report(const codec::field_list& fields,
                                                        const plan::load_reports& settings) {
  collector out{settings};
  if (const auto binary = fields.find("endpoint-load-metrics-bin")) {
    if (!read_binary(base::trim(*binary), out)) return std::nullopt;
  } else if (const auto value = fields.find("endpoint-load-metrics")) {
    if (!read_field(base::trim(*value), out)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  return out.report();
}

}  // namespace understudy::proxy
