#pragma once
#include <chrono>
#include <string>

#include "config/object_reader.hpp"

/// Types and defaults of fields in the words of the reference.
namespace understudy::config {

std::string text_type(const text_rules& rules);
std::string number_type(const number_rules& rules);
/// Empty for 0, which stands for "nothing written" in most structs.
std::string duration_text(std::chrono::milliseconds value);
std::string number_text(std::uint64_t value);

}  // namespace understudy::config
