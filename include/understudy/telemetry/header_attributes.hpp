#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/http.hpp>

namespace understudy::telemetry {

/// A field of the client's head that becomes an attribute.
struct header_attribute {
  std::string header;  ///< lower case
  std::string attribute;
};
using header_attributes = std::vector<header_attribute>;

enum class signal_kind : std::uint8_t { spans, metrics, access_log };

struct header_attributes_result {
  header_attributes all;
  std::string error;  ///< not empty: the process must not start
};

using environment = std::function<std::optional<std::string>(const std::string& name)>;

/// `header:attribute,…` of OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES and of the signal's own variable,
/// which wins and may have a default (spec/gateway-config.md §5.1). Fields that hold secrets are
/// refused.
header_attributes_result read_header_attributes(const environment& look_up, signal_kind of);

/// The name as a label of Prometheus: `session.id` is `session_id`.
std::string label_name(std::string_view attribute);

/// The request's value of `from[number]`. Empty: it has none, or another field that is the same
/// attribute comes first.
std::string_view attribute_value(const header_attributes& from, std::size_t number,
                                 const codec::field_list& fields);

}  // namespace understudy::telemetry
