#include "trace/parameters.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <understudy/codec/json_scan.hpp>

namespace understudy::trace {
namespace {

/// A longer body is not gone through for its settings.
constexpr std::size_t max_body_bytes = std::size_t{1} << 20;
constexpr std::size_t max_word_bytes = 32;

/// Of the request bodies of OpenAI, Anthropic and Cohere: scalars that are no free text.
constexpr std::array<std::string_view, 28> scalars{"temperature",
                                                   "top_p",
                                                   "top_k",
                                                   "max_tokens",
                                                   "n",
                                                   "max_completion_tokens",
                                                   "max_output_tokens",
                                                   "seed",
                                                   "presence_penalty",
                                                   "frequency_penalty",
                                                   "stream",
                                                   "logprobs",
                                                   "top_logprobs",
                                                   "best_of",
                                                   "echo",
                                                   "store",
                                                   "service_tier",
                                                   "reasoning_effort",
                                                   "parallel_tool_calls",
                                                   "dimensions",
                                                   "encoding_format",
                                                   "verbosity",
                                                   "top_n",
                                                   "response_format",
                                                   "quality",
                                                   "size",
                                                   "speed",
                                                   "truncation"};

bool is_scalar(const codec::json_value& value) {
  using codec::json_kind;
  if (value.kind == json_kind::string) return value.text.size() <= max_word_bytes;
  return value.kind == json_kind::number || value.kind == json_kind::boolean;
}

std::optional<double> number_of(const codec::json_value& value) {
  double out = 0;
  const char* end = value.text.data() + value.text.size();
  if (value.kind != codec::json_kind::number ||
      std::from_chars(value.text.data(), end, out).ptr != end)
    return std::nullopt;
  return out;
}

template <class Visit>
void each_setting(std::string_view body, Visit&& visit) {
  if (body.empty() || body.size() > max_body_bytes) return;
  codec::json_reader reader{body};
  if (reader.kind() != codec::json_kind::object) return;
  while (reader.next())
    if (is_scalar(reader.value())) visit(reader.raw_key(), reader.value());
}

}  // namespace

std::string invocation_parameters(std::string_view body) {
  std::string out;
  each_setting(body, [&](std::string_view key, const codec::json_value& value) {
    if (std::ranges::find(scalars, key) == scalars.end()) return;
    out.append(out.empty() ? "{\"" : ",\"").append(key).append("\":").append(value.text);
  });
  if (!out.empty()) out += '}';
  return out;
}

void set_request_parameters(span& out, std::string_view body) {
  struct entry {
    std::string_view member, attribute;
    bool is_whole;
  };
  static constexpr std::array<entry, 10> known{{
      {"temperature", "gen_ai.request.temperature", false},
      {"top_p", "gen_ai.request.top_p", false},
      {"top_k", "gen_ai.request.top_k", false},
      {"presence_penalty", "gen_ai.request.presence_penalty", false},
      {"frequency_penalty", "gen_ai.request.frequency_penalty", false},
      {"max_tokens", "gen_ai.request.max_tokens", true},
      {"max_completion_tokens", "gen_ai.request.max_tokens", true},
      {"max_output_tokens", "gen_ai.request.max_tokens", true},
      {"seed", "gen_ai.request.seed", true},
      {"n", "gen_ai.request.choice.count", true},
  }};
  each_setting(body, [&](std::string_view key, const codec::json_value& value) {
    const auto found = std::ranges::find(known, key, &entry::member);
    if (found == known.end()) return;
    const auto number = number_of(value);
    if (!number) return;
    // Beyond this a double is no exact integer, nor is anybody's limit that high.
    constexpr double largest = 9007199254740992.0;
    const bool is_exact = *number <= largest && *number >= -largest;
    if (found->is_whole && !is_exact) return;
    const bool is_there = std::ranges::any_of(
        out.attributes, [&](const attribute& a) { return a.key == found->attribute; });
    if (is_there) return;
    if (found->is_whole)
      out.set(found->attribute, static_cast<std::int64_t>(*number));
    else
      out.set(found->attribute, *number);
  });
}

}  // namespace understudy::trace
