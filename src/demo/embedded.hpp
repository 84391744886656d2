#pragma once
#include <string_view>

namespace understudy::demo {

/// config/demo.yaml, made into a source file by cmake/embed.cmake.
extern const std::string_view embedded_demo_yaml;

}  // namespace understudy::demo
