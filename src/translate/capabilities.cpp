#include "translate/capabilities.hpp"

#include "translate/capabilities_messages.hpp"

namespace understudy::translate {
namespace {

/// OpenAI's chat in Converse (converse_request.hpp says what becomes of the rest).
std::optional<std::string_view> lost_in_converse(const request_features& f) {
  if (f.n > 1) return "several choices (`n`)";
  if (f.logprobs) return "log probabilities";
  if (f.audio_output) return "audio output";
  if (f.audio) return "audio input";
  if (f.files) return "files";
  if (f.remote_images) return "image URLs";
  if (f.legacy_functions) return "`functions`";
  if (f.web_search) return "`web_search_options`";
  if (f.non_function_tools) return "tools that are no functions";
  if (f.other_parts) return "content parts of an unknown type";
  return std::nullopt;
}

/// OpenAI's chat in Anthropic's Messages (anthropic_request.hpp). Its own API fetches images.
std::optional<std::string_view> lost_in_anthropic(const request_features& f, bool fetches_urls) {
  if (f.n > 1) return "several choices (`n`)";
  if (f.logprobs) return "log probabilities";
  if (f.audio_output) return "audio output";
  if (f.audio) return "audio input";
  if (f.remote_images && !fetches_urls) return "image URLs";
  if (f.legacy_functions) return "`functions`";
  if (f.web_search) return "`web_search_options`";
  if (f.non_function_tools) return "tools that are no functions";
  if (f.other_parts) return "content parts of an unknown type";
  return std::nullopt;
}

/// The Responses API through a chat (responses_request.hpp).
std::optional<std::string_view> lost_in_a_chat(const request_features& f) {
  if (f.server_state) return "what a provider keeps of earlier responses";
  if (f.non_function_tools) return "tools that are no functions";
  if (f.kept_files) return "files named by id or URL";
  if (f.tool_media) return "images and files as a tool's result";
  if (f.other_parts) return "content parts of an unknown type";
  return std::nullopt;
}

/// What a chat loses on its way to a schema that is not OpenAI's.
std::optional<std::string_view> lost_in(schema upstream, const request_features& f) {
  switch (upstream) {
    case schema::aws_bedrock:
      return lost_in_converse(f);
    case schema::anthropic:
      return lost_in_anthropic(f, true);
    case schema::aws_anthropic:
    case schema::gcp_anthropic:
      return lost_in_anthropic(f, false);
    case schema::gcp_vertex_ai:
      return lost_in_gemini(f);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> would_drop(const request_features& features, operation op,
                                      schema upstream, operation_set served) {
  if (op == operation::unknown) return std::nullopt;
  if (find(op, upstream, served) == nullptr) return std::string{name(op)};
  if (op == operation::messages) return lost_of_messages(features, upstream);
  std::optional<std::string_view> lost;
  if (op == operation::responses && upstream_operation(op, upstream, served) != op) {
    lost = lost_in_a_chat(features);
    if (lost) return std::string{*lost};
    op = operation::chat_completions;
  }
  if (op == operation::completions && upstream != schema::openai &&
      upstream != schema::azure_openai)
    lost = lost_in_chat(features);
  const bool is_chat = op == operation::chat_completions || op == operation::tokenize;
  if (is_chat) lost = lost_in(upstream, features);
  // The other pairs change no dialect: what a provider can't do, it refuses itself.
  return lost ? std::optional{std::string{*lost}} : std::nullopt;
}

}  // namespace understudy::translate
