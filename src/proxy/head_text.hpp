#pragma once
#include <string_view>

#include <understudy/base/text_writer.hpp>

namespace understudy::proxy {

/// One field line of a head, of either side.
inline void append_field(base::text_writer& out, std::string_view name, std::string_view value) {
  out.put(name, ": ", value, "\r\n");
}

}  // namespace understudy::proxy
