#include <understudy/credentials/sts.hpp>
#include <understudy/credentials/xml.hpp>

#include "fuzz.hpp"

using namespace understudy::credentials;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto leaves = read_xml(text);
  const auto keys = parse_sts_reply({200, std::string{text}});
  if (keys && (!leaves || keys->access_key_id.empty() || keys->secret_access_key.empty()))
    std::abort();
  const auto refused = parse_sts_reply({403, std::string{text}});
  if (refused || refused.error().reason.size() > 200) std::abort();
  return 0;
}
