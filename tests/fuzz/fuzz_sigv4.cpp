#include <understudy/codec/sigv4.hpp>
#include <understudy/codec/text.hpp>

#include "fuzz.hpp"

using namespace understudy::codec;

/// Lines: host, target, token; the rest is the payload.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const auto take_line = [&rest] {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    return line;
  };
  const auto host = take_line(), target = take_line(), token = take_line();
  const auto region = bedrock_region_of(host).value_or("us-east-1");
  const auto fields =
      sign({"POST", host, target, rest}, {"id", "secret", token}, region, bedrock_service, {});
  if (fields.size() != (token.empty() ? 2 : 3)) std::abort();
  if (base64_decode(base64_encode(rest)) != rest) std::abort();
  if (path_escape(rest).find('/') != std::string::npos) std::abort();
  return 0;
}
