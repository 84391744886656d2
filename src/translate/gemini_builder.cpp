#include "translate/gemini_builder.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "translate/chat_request.hpp"
#include "translate/dropped.hpp"

namespace understudy::translate {
namespace {

constexpr std::int64_t max_candidates = 8;
constexpr std::size_t max_stop_sequences = 5;
constexpr std::size_t max_dropped = 32;

bool is_true(const json* value) {
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

/// Members that are read somewhere, or say nothing that matters here.
bool is_known(std::string_view name) {
  constexpr std::array<std::string_view, 39> known{"model",
                                                   "messages",
                                                   "stream",
                                                   "stream_options",
                                                   "temperature",
                                                   "top_p",
                                                   "top_k",
                                                   "seed",
                                                   "n",
                                                   "max_tokens",
                                                   "presence_penalty",
                                                   "frequency_penalty",
                                                   "stop",
                                                   "logprobs",
                                                   "top_logprobs",
                                                   "max_completion_tokens",
                                                   "tools",
                                                   "tool_choice",
                                                   "reasoning_effort",
                                                   "response_format",
                                                   "thinking",
                                                   "guided_choice",
                                                   "guided_regex",
                                                   "guided_json",
                                                   "modalities",
                                                   "audio",
                                                   "functions",
                                                   "function_call",
                                                   "guided_grammar",
                                                   "structured_outputs",
                                                   "safetySettings",
                                                   "safety_settings",
                                                   "generationConfig",
                                                   "cachedContent",
                                                   "cached_content",
                                                   "labels",
                                                   "web_search_options",
                                                   "parallel_tool_calls",
                                                   "service_tier"};
  return std::ranges::find(known, name) != known.end();
}

/// Goes into a response field as it is.
bool is_plain_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, is_plain);
}

}  // namespace

base::result<gemini_body, refusal> gemini_request(std::string_view openai_body,
                                                  std::string_view model, bool may_drop) {
  refusal malformed;
  const auto request = request_object(openai_body, malformed);
  if (!request) return malformed;
  gemini_builder builder{model, may_drop};
  if (!builder.build(*request)) return builder.why();
  gemini_body out;
  out.asked = builder.asked();
  out.json = dump_json(builder.take());
  out.dropped = builder.take_dropped();
  if (const json* options = member(*request, "stream_options"))
    out.asked.has_usage_chunk = is_true(member(*options, "include_usage"));
  return out;
}

gemini_builder::gemini_builder(std::string_view model, bool may_drop)
    : model_{gemini_model_named(model)}, may_drop_{may_drop} {
  out_ = json{{"contents", json::array()}};
}

bool gemini_builder::refuse(std::string message, int status) {
  refusal_ = {status, "invalid request body: " + std::move(message)};
  return false;
}

void gemini_builder::tell_dropped(std::string_view name) {
  const bool is_new = std::ranges::find(dropped_, name) == dropped_.end();
  if (is_new && dropped_.size() < max_dropped && is_plain_name(name)) dropped_.emplace_back(name);
}

bool gemini_builder::lose(std::string_view name, std::string message) {
  if (!may_drop_) return refuse(std::move(message));
  tell_dropped(name);
  return true;
}

bool gemini_builder::build(const json& request) {
  if (!check_expressible(request) || !add_messages(request) || !add_tools(request)) return false;
  if (!add_sampling(request) || !add_format(request) || !add_thinking(request)) return false;
  if (!add_vendor_fields(request)) return false;
  tell_unknown(request);
  return true;
}

bool gemini_builder::check_expressible(const json& request) {
  for (const char* name :
       {"audio", "functions", "function_call", "guided_grammar", "structured_outputs"}) {
    const json* value = member(request, name);
    if (value == nullptr || !asks_for_something(*value)) continue;
    if (!lose(name, std::string{"`"} + name + "` is not supported by this backend")) return false;
  }
  return add_modalities(request);
}

bool gemini_builder::add_modalities(const json& request) {
  const json* modalities = member(request, "modalities");
  if (modalities == nullptr || !modalities->is_array()) return true;
  json names = json::array();
  for (const auto& modality : *modalities) {
    if (modality == "text") {
      names.push_back("TEXT");
    } else if (modality == "image") {
      names.push_back("IMAGE");
    } else if (!lose("modalities", "`modalities` other than text and image are not supported")) {
      return false;
    }
  }
  const bool has_image = std::ranges::find(names, "IMAGE") != names.end();
  if (has_image) out_["generationConfig"]["responseModalities"] = std::move(names);
  return true;
}

bool gemini_builder::add_number(const json& request, const char* name, const char* target) {
  const json* value = member(request, name);
  if (value == nullptr) return true;
  if (!value->is_number()) return refuse(std::string{"`"} + name + "` is not a number", 400);
  out_["generationConfig"][target] = *value;
  return true;
}

bool gemini_builder::add_sampling(const json& request) {
  for (const auto& [name, target] :
       {std::pair{"temperature", "temperature"}, std::pair{"top_p", "topP"},
        std::pair{"top_k", "topK"}, std::pair{"presence_penalty", "presencePenalty"},
        std::pair{"frequency_penalty", "frequencyPenalty"}})
    if (!add_number(request, name, target)) return false;
  const auto limit = token_limit(request);
  if (!limit) return refuse(limit.error(), 400);
  if (*limit != nullptr) out_["generationConfig"]["maxOutputTokens"] = **limit;
  if (const json* seed = member(request, "seed")) {
    if (!seed->is_number_integer()) return refuse("`seed` is not an integer", 400);
    // Vertex's seed has 32 bits; the same long seed stays the same short one.
    constexpr std::uint64_t mask = 0x7FFFFFFF;
    const bool is_short = *seed <= mask && *seed >= 0;
    out_["generationConfig"]["seed"] = is_short ? *seed : json(seed->get<std::uint64_t>() & mask);
  }
  return add_count(request) && add_stop(request) && add_logprobs(request);
}

bool gemini_builder::add_count(const json& request) {
  const json* n = member(request, "n");
  if (n == nullptr) return true;
  if (!n->is_number_integer() || *n < 1) return refuse("`n` is not a positive integer", 400);
  if (*n > max_candidates) return lose("n", "`n` above 8 is not supported by this backend");
  if (*n != 1) out_["generationConfig"]["candidateCount"] = *n;
  return true;
}

bool gemini_builder::add_stop(const json& request) {
  auto texts = stop_texts(request);
  if (!texts) return refuse(texts.error(), 400);
  auto& sequences = *texts;
  if (sequences.size() > max_stop_sequences) {
    if (!lose("stop", "more than 5 `stop` sequences are not supported by this backend"))
      return false;
    sequences.erase(sequences.begin() + max_stop_sequences, sequences.end());
  }
  if (!sequences.empty()) out_["generationConfig"]["stopSequences"] = std::move(sequences);
  return true;
}

bool gemini_builder::add_logprobs(const json& request) {
  const json* top = member(request, "top_logprobs");
  if (top != nullptr && !top->is_number_integer())
    return refuse("`top_logprobs` is not an integer", 400);
  if (!is_true(member(request, "logprobs"))) return true;
  out_["generationConfig"]["responseLogprobs"] = true;
  if (top != nullptr && *top > 0) out_["generationConfig"]["logprobs"] = *top;
  return true;
}

/// What is left of the request, with a value that asks for something, has no words here.
void gemini_builder::tell_unknown(const json& request) {
  const json* parallel = member(request, "parallel_tool_calls");
  if (parallel != nullptr && *parallel == false && !declarations_.empty())
    tell_dropped("parallel_tool_calls");
  const auto tier = text_member(request, "service_tier");
  if (!tier.empty() && tier != "auto" && tier != "default") tell_dropped("service_tier");
  for (const auto& [name, value] : request.items())
    if (!is_known(name) && asks_for_something(value)) tell_dropped(name);
}

}  // namespace understudy::translate
