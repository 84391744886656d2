#pragma once
#include <string>
#include <string_view>

#include <understudy/trace/span.hpp>

namespace understudy::trace {

/// The settings of a request, as a JSON object: numbers, booleans and a few words of a closed
/// vocabulary, never anything that a person wrote. Empty where there are none.
std::string invocation_parameters(std::string_view body);

/// The same as `gen_ai.request.*`.
void set_request_parameters(span& out, std::string_view body);

}  // namespace understudy::trace
