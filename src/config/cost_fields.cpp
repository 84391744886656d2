#include "config/cost_fields.hpp"

#include <array>

namespace understudy::config {

static void read_fields(object_reader& in, request_cost& out) {
  static constexpr std::array<std::string_view, 7> types{"InputToken",
                                                         "OutputToken",
                                                         "TotalToken",
                                                         "CachedInputToken",
                                                         "ReasoningToken",
                                                         "CacheCreationInputToken",
                                                         "CEL"};
  out.at = in.at();
  in.text(
      "metadataKey", out.key,
      {.is_required = true, .hint = "the name under which the cost is kept", .max_length = 128});
  in.text("type", out.type,
          {.is_required = true, .hint = "what is counted, as `TotalToken`", .choices = types});
  in.text("cel", out.cel);
  if (out.type.value == "CEL" && !out.cel.is_written)
    in.error(out.type.at, "cel",
             "type CEL needs an expression; write `cel`, as in "
             "`cel: \"input_tokens + output_tokens * 4u\"`");
  if (out.cel.is_written && out.type.is_written && out.type.value != "CEL")
    in.warning(out.cel.at, "cel", "acts with `type: CEL` only");
}

void read_costs(object_reader& in, std::string_view key, std::vector<request_cost>& out) {
  in.into(key, out, {.max = 36});
  for (std::size_t i = 1; i < out.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!out[i].key.value.empty() && out[i].key.value == out[j].key.value) {
        in.error(out[i].key.at, key,
                 "metadataKey `" + out[i].key.value + "` is used twice; choose another");
        break;
      }
}

}  // namespace understudy::config
