#include "translate/capabilities.hpp"

namespace understudy::translate {

std::optional<std::string_view> lost_in_gemini(const request_features& features) {
  if (features.n > 8) return "more than eight choices (`n`)";
  if (features.audio_output) return "audio output";
  if (features.legacy_functions) return "`functions`";
  if (features.unknown_tools) return "tools that are neither functions nor Gemini's own";
  if (features.other_parts) return "content parts of an unknown type";
  return std::nullopt;
}

}  // namespace understudy::translate
