// Expressions of costs and format strings of the access log: whatever is accepted can be evaluated
// with any numbers, and gives the same each time.
#include <string>
#include <understudy/plan/cel.hpp>
#include <understudy/plan/log_format.hpp>

#include "fuzz.hpp"

namespace plan = understudy::plan;

namespace {

void evaluate(const plan::cel::program& program, std::uint64_t seed) {
  plan::cel::variables with;
  with.model = "gpt-4o";
  with.backend = "default/a/route/r/rule/0/ref/0";
  with.route_name = "default/r";
  with.input_tokens = seed;
  with.cached_input_tokens = seed >> 3;
  with.cache_creation_input_tokens = ~seed;
  with.output_tokens = seed * 31;
  with.total_tokens = seed * 32;
  with.reasoning_tokens = seed & 7;
  const auto first = program.evaluate(with);
  const auto again = program.evaluate(with);
  fuzz::require(first.has_value() == again.has_value());
  if (first) fuzz::require(*first == *again);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto made = plan::cel::compile(input);
  if (made) {
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000},
                                     UINT64_MAX, std::uint64_t{1} << 63})
      evaluate(*made, seed);
  } else {
    fuzz::require(made.error().offset <= input.size() && !made.error().message.empty());
  }
  plan::log_format format;
  const auto pattern = plan::parse_log_pattern(input, format);
  if (pattern) {
    for (const auto& s : *pattern) {
      // The others' is a name to look up and goes into no line.
      if (s.what == plan::log_operator::literal)
        fuzz::require(s.text.find('\n') == std::string::npos);
      if (s.what == plan::log_operator::response_field)
        fuzz::require(s.field < format.response_fields.size());
    }
  } else {
    fuzz::require(pattern.error().offset <= input.size() && !pattern.error().message.empty());
  }
  return 0;
}
