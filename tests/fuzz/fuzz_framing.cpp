#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <understudy/codec/framing.hpp>
#include <understudy/codec/headers.hpp>

using namespace understudy::codec;

/// A head as text: first line the target, then `name:value` lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  (void)check_raw_head(rest);
  const auto take_line = [&rest] {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    return line;
  };
  request_head head;
  head.method = size % 2 == 0 ? "POST" : "OPTIONS";
  head.target = take_line();
  while (!rest.empty()) {
    const auto line = take_line();
    const auto colon = std::min(line.find(':'), line.size());
    head.fields.add(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  if (const auto target = check_request(head); target && target->path.empty()) std::abort();
  const auto framing = request_framing(head);
  if (framing && framing->kind == framing_kind::until_close) std::abort();
  if (framing && head.fields.count("content-length") > 0 &&
      head.fields.count("transfer-encoding") > 0)
    std::abort();
  const connection_options options{head.fields};
  for (const auto& [name, value] : head.fields)
    if (is_forwarded_upstream(name, options, true) && is_hop_by_hop(name, options)) std::abort();
  return 0;
}
