#include "translate/message_answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <understudy/base/ascii.hpp>

#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

/// The message of an error body: `{"error":{"message":…}}`, `{"error":"…"}`, `{"message":…}` …
std::string error_message(std::string_view body) {
  if (const auto error = raw_object_of(body, "error"); !error.empty())
    if (const auto text = raw_text_of(error, "message"); !text.empty()) return unquote(text);
  for (const auto* name : {"error", "message", "Message", "detail"})
    if (const auto text = raw_text_of(body, name); !text.empty()) return unquote(text);
  return {};
}

}  // namespace

std::string anthropic_usage(const token_usage& usage, std::string_view tier) {
  const auto cached = usage.cached_input.value_or(0);
  const auto written = usage.cache_creation_input.value_or(0);
  const auto input = usage.input.value_or(0);
  std::string out = R"({"input_tokens":)";
  out += std::to_string(input - std::min(input, cached + written));
  if (usage.cache_creation_input)
    out.append(R"(,"cache_creation_input_tokens":)").append(std::to_string(written));
  if (usage.cached_input)
    out.append(R"(,"cache_read_input_tokens":)").append(std::to_string(cached));
  out.append(R"(,"output_tokens":)").append(std::to_string(usage.output.value_or(0)));
  if (usage.reasoning)
    out.append(R"(,"output_tokens_details":{"thinking_tokens":)")
        .append(std::to_string(*usage.reasoning)) += "}";
  if (!tier.empty()) out.append(R"(,"service_tier":)").append(quoted_json(tier));
  out += "}";
  return out;
}

std::string_view anthropic_tier_of(std::string_view tier) {
  if (tier == "default") return "standard";
  return tier == "priority" ? tier : std::string_view{};
}

std::string_view anthropic_type_of(std::string_view type, std::string_view code) {
  int status = 0;
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), status);
  if (error == std::errc{} && end == code.data() + code.size() && status >= 400 && status < 600)
    return anthropic_error_type(status);
  struct entry {
    std::string_view word, type;
  };
  constexpr std::array known{
      entry{"rate_limit", "rate_limit_error"},    entry{"throttl", "rate_limit_error"},
      entry{"quota", "rate_limit_error"},         entry{"too_many", "rate_limit_error"},
      entry{"overload", "overloaded_error"},      entry{"unavailable", "overloaded_error"},
      entry{"timeout", "timeout_error"},          entry{"authentication", "authentication_error"},
      entry{"permission", "permission_error"},    entry{"accessdenied", "permission_error"},
      entry{"not_found", "not_found_error"},      entry{"validation", "invalid_request_error"},
      entry{"invalid_", "invalid_request_error"}, entry{"content_policy", "invalid_request_error"},
      entry{"context_", "invalid_request_error"},
  };
  for (const auto& text : {base::lower(code), base::lower(type)})
    for (const auto& e : known)
      if (text.find(e.word) != std::string::npos) return e.type;
  return "api_error";
}

std::string_view upstream_request_id(const codec::response_head& head) {
  for (const auto* name : {"request-id", "x-request-id", "x-amzn-requestid", "apim-request-id"})
    if (const auto id = head.fields.find(name).value_or(""); !id.empty()) return id;
  return {};
}

std::string anthropic_error_answer(const codec::response_head& head, std::string_view body) {
  auto message = codec::check_json(body) ? std::string{} : error_message(body);
  if (message.empty()) message = quoted_error_text(head.status, body);
  auto out = error_body(operation::messages, head.status, {}, {}, message);
  if (const auto id = upstream_request_id(head); !id.empty()) {
    out.pop_back();
    out.append(R"(,"request_id":)").append(quoted_json(id)) += "}";
  }
  return out;
}

std::string message_id_of(std::string_view upstream_id) {
  if (upstream_id.starts_with("msg_")) return std::string{upstream_id};
  if (upstream_id.starts_with("chatcmpl-")) upstream_id.remove_prefix(9);
  return "msg_" + std::string{upstream_id};
}

json message_frame(std::string_view id, std::string_view model) {
  return {{"id", id},
          {"type", "message"},
          {"role", "assistant"},
          {"model", model},
          {"content", json::array()},
          {"stop_reason", nullptr},
          {"stop_sequence", nullptr}};
}

void append_answer_text(std::string_view text, json& content) {
  if (!text.empty()) content.push_back({{"type", "text"}, {"text", text}});
}

}  // namespace understudy::translate
