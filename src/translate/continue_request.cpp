#include <algorithm>
#include <array>
#include <charconv>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/json_edit.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/stream_resume.hpp>

#include "translate/error_event.hpp"

namespace understudy::translate {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A number of at most two digits at the front; dates and what follows are none.
std::optional<int> take_version(std::string_view& text) {
  int value = 0;
  const auto [behind, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(behind - text.data());
  if (error != std::errc{} || length == 0 || length > 2 || value < 0) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

/// Claude up to 4.5. A name that is not understood is a newer one.
bool is_prefillable_claude(std::string_view model) {
  if (!contains(model, "claude")) return false;
  for (const auto* old : {"claude-3", "claude-2", "claude-v2", "claude-instant"})
    if (contains(model, old)) return true;
  for (const std::string_view family : {"opus-", "sonnet-", "haiku-"}) {
    const auto at = model.find(family);
    if (at == std::string_view::npos) continue;
    auto version = model.substr(at + family.size());
    const auto major = take_version(version);
    if (!major || *major > 4) return false;
    int minor = 0;
    if (!version.empty() && (version.front() == '-' || version.front() == '.')) {
      version.remove_prefix(1);
      minor = take_version(version).value_or(0);
    }
    return minor <= 5;
  }
  return false;
}

assistant_prefix of_openai_schema(std::string_view model) {
  if (contains(model, "claude"))
    return is_prefillable_claude(model) ? assistant_prefix::plain : assistant_prefix::unsupported;
  // Names of resellers for models that are not open.
  for (const std::string_view closed : {"openai/", "google/gemini", "x-ai/", "amazon/", "cohere/"})
    if (model.starts_with(closed)) return assistant_prefix::unsupported;
  if (contains(model, "/")) return assistant_prefix::final_message;
  for (const std::string_view vendor : {"mistral", "ministral", "open-mistral", "open-mixtral",
                                        "codestral", "pixtral", "deepseek-chat"})
    if (model.starts_with(vendor)) return assistant_prefix::prefix_member;
  return assistant_prefix::unsupported;
}

/// Why there is no going on, or empty.
std::string_view obstacle(operation op, const request_features& f) {
  if (!can_resume(op)) return "streams of this operation can't be continued";
  if (f.tools || f.non_function_tools || f.web_search) return "the request uses tools";
  if (f.json_mode || f.json_schema) return "the request asks for JSON";
  if (f.reasoning) return "the request asks for reasoning";
  if (f.n > 1 || f.inputs > 1) return "the request asks for several answers";
  if (f.audio_output) return "the request asks for audio";
  if (f.echo) return "the request asks for its prompt back";
  if (f.ends_with_assistant) return "the request already continues an answer";
  return {};
}

/// The member, where the object has exactly one of that name: no two readers then disagree.
std::optional<codec::json_value> only_member(std::string_view object, std::string_view name) {
  codec::json_reader reader{object};
  std::optional<codec::json_value> found;
  while (reader.next()) {
    if (!reader.is_key(name)) continue;
    if (found) return std::nullopt;
    found = reader.value();
  }
  return found;
}

using result = base::result<continuation, std::string_view>;

result continue_prompt(std::string_view original, std::string_view text) {
  const auto prompt = only_member(original, "prompt");
  if (!prompt || prompt->kind != codec::json_kind::string)
    return std::string_view{"the prompt is not one text"};
  std::string added;
  codec::append_json_string(added, text);
  std::string longer{prompt->text};
  longer.replace(longer.size() - 1, 1, added, 1);
  auto body = codec::replace_top_level(original, "prompt", longer);
  if (!body) return std::string_view{"the request can't be read"};
  return continuation{std::move(*body), 0};
}

}  // namespace

assistant_prefix assistant_prefix_of(schema upstream, std::string_view model) {
  const auto name = base::lower(model);
  switch (upstream) {
    case schema::anthropic:
    case schema::aws_anthropic:
    case schema::gcp_anthropic:
    case schema::aws_bedrock:
      return is_prefillable_claude(name) ? assistant_prefix::plain : assistant_prefix::unsupported;
    case schema::openai:
      return of_openai_schema(name);
    default:
      return assistant_prefix::unsupported;
  }
}

bool accepts_assistant_prefix(schema upstream, std::string_view model) {
  return assistant_prefix_of(upstream, model) != assistant_prefix::unsupported;
}

base::result<continuation, std::string_view> continue_request(operation op,
                                                              const request_features& features,
                                                              std::string_view original,
                                                              std::string_view text_so_far,
                                                              assistant_prefix style) {
  if (const auto why = obstacle(op, features); !why.empty()) return why;
  auto text = text_so_far;
  // Claude refuses an answer so far that ends in white space.
  if (style == assistant_prefix::plain && op != operation::completions)
    text = text.substr(0, text.find_last_not_of(" \t\r\n\v\f") + 1);
  if (text.empty()) return std::string_view{"there is no text to go on from"};
  if (op == operation::completions) return continue_prompt(original, text);
  if (style == assistant_prefix::unsupported)
    return std::string_view{"the backend takes no begin of an answer"};
  const auto messages = only_member(original, "messages");
  if (!messages || messages->kind != codec::json_kind::array)
    return std::string_view{"the request has no list of messages"};
  std::string message = R"({"role":"assistant","content":)";
  codec::append_json_string(message, text);
  message += style == assistant_prefix::prefix_member ? R"(,"prefix":true})" : "}";
  auto body = codec::set_at(original, "messages.-1", message);
  if (body && style == assistant_prefix::final_message) {
    body = codec::replace_top_level(*body, "continue_final_message", "true");
    if (body) body = codec::replace_top_level(*body, "add_generation_prompt", "false");
  }
  if (!body) return std::string_view{"the request can't be read"};
  return continuation{std::move(*body), text_so_far.size() - text.size()};
}

void append_break_event(operation op, std::string_view message, std::string& out) {
  append_error_event(out, op, {}, {}, message);
}

}  // namespace understudy::translate
