#include "translate/capabilities.hpp"

namespace understudy::translate {

std::optional<std::string_view> lost_in_chat(const request_features& f) {
  if (f.inputs > 1) return "several prompts";
  if (f.n > 1) return "several choices (`n`)";
  if (f.echo) return "`echo`";
  if (f.logprobs) return "log probabilities";
  return std::nullopt;
}

}  // namespace understudy::translate
