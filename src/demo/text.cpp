#include <understudy/demo/text.hpp>

#include <utility>

#include "demo/embedded.hpp"

namespace understudy::demo {
namespace {

/// Puts `value` where the text says `${name}`, `${name:-…}` or `${name:=…}`.
void fill(std::string& text, std::string_view name, const std::string& value) {
  const std::string opening = "${" + std::string{name};
  for (auto at = text.find(opening); at != std::string::npos;
       at = text.find(opening, at + value.size())) {
    const auto end = text.find('}', at);
    if (end == std::string::npos) return;
    text.replace(at, end - at + 1, value);
  }
}

std::string reachable(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::string{address};
  const auto host = address.substr(0, colon);
  if (host.empty() || host == "0.0.0.0" || host == "[::]" || host == "*")
    return "127.0.0.1" + std::string{address.substr(colon)};
  return std::string{address};
}

}  // namespace

std::string config_text(std::uint16_t primary_port, std::uint16_t fallback_port) {
  std::string text{embedded_demo_yaml};
  fill(text, "DEMO_PRIMARY_PORT", std::to_string(primary_port));
  fill(text, "DEMO_FALLBACK_PORT", std::to_string(fallback_port));
  return text;
}

std::string banner(std::string_view listen_address, std::string_view admin_address) {
  const std::string base = "http://" + reachable(listen_address) + "/v1";
  const std::string name{model};
  std::string text;
  text += "curl -s " + base +
          "/chat/completions -H 'content-type: application/json' -d '{\"model\":\"" + name +
          "\",\"messages\":[{\"role\":\"user\",\"content\":\"Who are you?\"}]}'\n";
  text += "python3 -c 'from openai import OpenAI; print(OpenAI(base_url=\"" + base +
          "\", api_key=\"demo\").chat.completions.create(model=\"" + name +
          "\", messages=[{\"role\": \"user\", \"content\": \"Who are you?\"}])"
          ".choices[0].message.content)'\n";
  if (!admin_address.empty()) text += "http://" + reachable(admin_address) + "/\n";
  return text;
}

}  // namespace understudy::demo
