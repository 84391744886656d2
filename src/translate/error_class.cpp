#include <understudy/translate/error_class.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/json_scan.hpp>

namespace understudy::translate {
namespace {

using codec::json_kind;
using enum error_class;

constexpr std::size_t max_message_bytes = 8192;
constexpr std::size_t max_words = 16;

/// Which upstreams a row is about.
enum vendor : unsigned { openai_like = 1, anthropic_like = 2, bedrock = 4, google = 8, all = 15 };

vendor vendor_of(schema s) {
  switch (s) {
    case schema::anthropic:
    case schema::gcp_anthropic:
      return anthropic_like;
    case schema::aws_bedrock:
    case schema::aws_anthropic:
      return bedrock;
    case schema::gcp_vertex_ai:
      return google;
    default:
      return openai_like;
  }
}

struct row {
  std::string_view text;
  error_class value;
  unsigned vendors = all;
};

/// Codes, types and exception names, lower case. The first row that the answer has wins.
constexpr std::array codes{
    row{"context_length_exceeded", context_window_exceeded},
    row{"exceed_context_size_error", context_window_exceeded},
    row{"model_max_prompt_tokens_exceeded", context_window_exceeded},
    row{"request_too_large", context_window_exceeded},
    row{"responsibleaipolicyviolation", content_policy},
    row{"content_filter", content_policy},
    row{"content_policy_violation", content_policy},
    row{"moderation_blocked", content_policy},
    row{"data_inspection_failed", content_policy},
    row{"datainspectionfailed", content_policy},
    row{"insufficient_quota", quota_exhausted},
    row{"insufficient_user_quota", quota_exhausted},
    row{"billing_hard_limit_reached", quota_exhausted},
    row{"billing_not_active", quota_exhausted},
    row{"billing_error", quota_exhausted},
    row{"servicequotaexceededexception", quota_exhausted},
    row{"model_not_found", model_not_found},
    row{"model_decommissioned", model_not_found},
    row{"model_not_available", model_not_found},
    row{"invalid_model", model_not_found},
    row{"deploymentnotfound", model_not_found},
    row{"resourcenotfoundexception", model_not_found, bedrock},
    row{"invalid_api_key", authentication},
    row{"api_key_invalid", authentication},
    row{"authentication_error", authentication},
    row{"permission_error", authentication},
    row{"unauthenticated", authentication, google | openai_like},
    row{"permission_denied", authentication, google | openai_like},
    row{"accessdeniedexception", authentication, bedrock},
    row{"expiredtokenexception", authentication, bedrock},
    row{"unrecognizedclientexception", authentication, bedrock},
    row{"invalidsignatureexception", authentication, bedrock},
    row{"missingauthenticationtokenexception", authentication, bedrock},
    row{"overloaded_error", overloaded},
    row{"overloaded", overloaded},
    row{"engine_overloaded", overloaded},
    row{"service_unavailable_error", overloaded},
    row{"serviceunavailableexception", overloaded, bedrock},
    row{"modelnotreadyexception", overloaded, bedrock},
    row{"unavailable", overloaded, google | openai_like},
    row{"rate_limit_exceeded", rate_limited},
    row{"rate_limit_error", rate_limited},
    row{"ratelimitreached", rate_limited},
    row{"throttlingexception", rate_limited, bedrock},
    row{"resource_exhausted", rate_limited, google | openai_like},
};

/// Words of messages, lower case, strict enough to be said of nothing else.
constexpr std::array phrases{
    row{"maximum context length", context_window_exceeded},
    row{"maximum model length", context_window_exceeded},
    row{"maximum prompt length", context_window_exceeded},
    row{"model's context length", context_window_exceeded},
    row{"exceeds the context window", context_window_exceeded},
    row{"exceed context limit", context_window_exceeded},
    row{"exceeds the available context size", context_window_exceeded},
    row{"context length exceeded", context_window_exceeded},
    row{"context window exceeded", context_window_exceeded},
    row{"prompt is too long", context_window_exceeded},
    row{"input is too long", context_window_exceeded},
    row{"too many input tokens", context_window_exceeded},
    row{"input tokens exceeded", context_window_exceeded},
    row{"number of input tokens exceeds", context_window_exceeded},
    row{"input token count exceeds", context_window_exceeded},
    row{"exceeds the maximum number of tokens", context_window_exceeded},
    row{"too many tokens: size limit exceeded", context_window_exceeded},
    row{"tokens + `max_new_tokens` must be", context_window_exceeded},
    row{"reduce the length of the messages", context_window_exceeded},
    row{"reduce the length of the prompt", context_window_exceeded},
    row{"content management policy", content_policy},
    row{"content filtering policy", content_policy},
    row{"result of our safety system", content_policy},
    row{"violating our usage policy", content_policy},
    row{"violates usage guidelines", content_policy},
    row{"responsible ai practices", content_policy},
    row{"blocked by our content filter", content_policy},
    row{"blocked by guardrail", content_policy},
    row{"guardrail intervened", content_policy},
    row{"content exists risk", content_policy},
    row{"considered high risk", content_policy},
    row{"inappropriate content", content_policy},
    row{"credit balance is too low", quota_exhausted},
    row{"insufficient balance", quota_exhausted},
    row{"model identifier is invalid", model_not_found, bedrock},
    row{"access to the model", model_not_found},
    row{"api key not valid", authentication},
    row{"incorrect api key", authentication},
    row{"is overloaded", overloaded},
    row{"currently overloaded", overloaded},
};

/// What an error body says, as far as it matters.
struct signals {
  std::vector<std::string> words;  ///< codes, types, names; lower case
  std::string message;             ///< lower case, cut
  std::string param;
  bool has_error = false;
  bool is_blocked = false;  ///< of a success: the answer as a whole was withheld

  bool has(std::string_view word) const { return std::ranges::find(words, word) != words.end(); }
  bool says(std::string_view phrase) const { return message.find(phrase) != std::string::npos; }
};

std::string lower_text(const codec::json_value& value) {
  auto text = base::lower(codec::unescape_json(value.raw_string()));
  text.resize(std::min(text.size(), max_message_bytes));
  return text;
}

/// `throttlingexception` of `com.amazon#ThrottlingException:http://…`.
void add_word(std::string word, signals& out) {
  word.erase(std::min(word.find(':'), word.size()));
  const auto hash = word.rfind('#');
  if (hash != std::string::npos) word.erase(0, hash + 1);
  if (!word.empty() && word.size() <= 64 && out.words.size() < max_words)
    out.words.push_back(std::move(word));
}

void add_message(const codec::json_value& value, signals& out) {
  if (value.kind != json_kind::string || out.message.size() >= max_message_bytes) return;
  out.message += lower_text(value);
  out.message += '\n';
}

/// `error`, `innererror`, elements of `details` and the body itself have the same members.
void read_object(std::string_view object, int depth, signals& out);

void read_nested(const codec::json_value& value, int depth, signals& out) {
  if (depth == 0) return;
  if (value.kind == json_kind::object) {
    read_object(value.text, depth - 1, out);
  } else if (value.kind == json_kind::array) {
    codec::json_reader items{value.text};
    for (int i = 0; i < 8 && items.next(); ++i)
      if (items.value().kind == json_kind::object) read_object(items.value().text, depth - 1, out);
  }
}

bool is_one_of(const codec::json_reader& member, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view n) { return member.is_key(n); });
}

void read_member(const codec::json_reader& member, int depth, signals& out) {
  const auto& value = member.value();
  if (is_one_of(member, {"code", "type", "status", "__type", "reason", "error_type"})) {
    if (value.kind == json_kind::string) add_word(lower_text(value), out);
  } else if (is_one_of(member, {"message", "Message", "detail", "msg", "errorMessage"})) {
    add_message(value, out);
    read_nested(value, depth, out);
  } else if (is_one_of(member, {"error", "innererror", "inner_error", "details"})) {
    out.has_error = out.has_error || value.kind != json_kind::null;
    add_message(value, out);
    read_nested(value, depth, out);
  } else if (member.is_key("param")) {
    if (value.kind == json_kind::string) out.param = lower_text(value);
  } else if (member.is_key("blockReason") || member.is_key("promptFeedback")) {
    out.is_blocked = out.is_blocked || member.is_key("blockReason");
    read_nested(value, depth, out);
  } else if (member.is_key("stopReason") && value.kind == json_kind::string) {
    out.is_blocked = out.is_blocked || value.raw_string() == "guardrail_intervened";
  } else if (member.is_key("object") && value.text == "\"error\"") {
    out.has_error = true;
  }
}

void read_object(std::string_view object, int depth, signals& out) {
  codec::json_reader reader{object};
  if (reader.kind() != json_kind::object) return;
  while (reader.next()) read_member(reader, depth, out);
}

signals read_body(std::string_view body) {
  constexpr int max_depth = 4;
  signals out;
  if (body.size() > max_classified_bytes) return out;
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return out;
  if (codec::check_json(body)) {
    out.message = base::lower(body.substr(0, max_message_bytes));
    return out;
  }
  const auto kind = body[first] == '{' ? json_kind::object : json_kind::array;
  if (body[first] == '{' || body[first] == '[') read_nested({kind, body}, max_depth, out);
  return out;
}

/// OpenAI says "too long" of any string; only those of the conversation are about the model.
bool is_long_conversation(const signals& s) {
  if (!s.has("string_above_max_length")) return false;
  return s.param.empty() || s.param.starts_with("messages") || s.param.starts_with("input") ||
         s.param.starts_with("prompt") || s.param.starts_with("instructions");
}

error_class by_table(const signals& s, unsigned of) {
  for (const auto& r : codes)
    if ((r.vendors & of) != 0 && s.has(r.text)) return r.value;
  for (const auto& r : phrases)
    if ((r.vendors & of) != 0 && s.says(r.text)) return r.value;
  return other;
}

/// Messages that mean what they say only together with a status.
error_class by_words_of_status(const signals& s, int status) {
  if (status != 404 && status != 400 && status != 403) return other;
  const bool is_missing = s.says("does not exist") || s.says("not found");
  if (is_missing && s.says("model")) return model_not_found;
  if (status == 404 && s.has("not_found_error") && s.says("model:")) return model_not_found;
  if (status == 404 && s.has("not_found") && s.says("/models/")) return model_not_found;
  return s.has("invalid_prompt") && s.says("flagged") ? content_policy : other;
}

error_class by_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return authentication;
    case 402:
      return quota_exhausted;
    case 429:
      return rate_limited;
    case 529:
      return overloaded;
    default:
      return other;
  }
}

}  // namespace

std::string_view name(error_class c) {
  constexpr std::array<std::string_view, 8> names{
      "other",      "context_window_exceeded", "content_policy", "rate_limited",
      "overloaded", "quota_exhausted",         "authentication", "model_not_found"};
  return names[static_cast<std::size_t>(c) % names.size()];
}

error_class classify_error(schema upstream, int status, std::string_view body,
                           std::string_view error_type) {
  auto said = read_body(body);
  add_word(base::lower(base::trim(error_type)), said);
  const unsigned of = vendor_of(upstream);
  if (status < 400) {
    if (said.is_blocked && (of & (google | bedrock)) != 0) return content_policy;
    if (!said.has_error) return other;
  }
  // A request greater than the limit itself never gets through there, however long one waits.
  const bool is_limit = status == 413 || status == 429 || status < 400;
  if (is_limit && said.says("request too large for")) return context_window_exceeded;
  if (said.says("too many tokens per day")) return quota_exhausted;
  if (is_long_conversation(said)) return context_window_exceeded;
  if (const auto found = by_table(said, of); found != other) return found;
  if (const auto found = by_words_of_status(said, status); found != other) return found;
  return status == 413 ? context_window_exceeded : by_status(status);
}

}  // namespace understudy::translate
