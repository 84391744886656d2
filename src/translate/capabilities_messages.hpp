#pragma once
#include <optional>
#include <string>

#include <understudy/translate/request_features.hpp>

/// The capability guard's rules for Anthropic's Messages, for would_drop().
namespace understudy::translate {

std::optional<std::string> lost_of_messages(const request_features& features, schema upstream);

}  // namespace understudy::translate
