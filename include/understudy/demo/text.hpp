#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::demo {

/// The model that config/demo.yaml lists.
inline constexpr std::string_view model = "demo-model";

/// The embedded config/demo.yaml with the two ports put into its `${DEMO_…_PORT}` places.
std::string config_text(std::uint16_t primary_port, std::uint16_t fallback_port);

/// What the demo says first: three lines to copy (curl, OpenAI's Python SDK, the status address).
/// Both addresses are `ADDR:PORT`; a wildcard address is shown as loopback. An empty admin address
/// leaves the status line out.
std::string banner(std::string_view listen_address, std::string_view admin_address);

}  // namespace understudy::demo
