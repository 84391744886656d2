#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

#include "translate/json.hpp"

/// Anthropic Messages request → OpenAI chat completion request (spec/gateway-config.md §4.5, §9;
/// docs.claude.com/en/api/messages, platform.openai.com/docs/api-reference/chat).
///
/// Refused with 422, or left out and told where the backend may drop: documents by URL or file id,
/// images by file id, `mcp_servers`, `container`, tools that only Anthropic can run and their
/// results in the history, blocks of an unknown type. Left out and told, because the answer stays
/// an answer: `top_k`, `cache_control`, citations, signed and hidden thinking, whatever else the
/// chat has no word for. A `thinking` budget becomes `reasoning_effort` where the model's name is
/// that of a reasoning model: low below 4,096 tokens, medium below 16,384, then high.
namespace understudy::translate {

enum class chat_dialect : std::uint8_t {
  plain,    ///< OpenAI's own words and nothing else
  extended  ///< for our own translators: `thinking`, `top_k`, `cache_control` … go on
};

class messages_chat_builder {
 public:
  messages_chat_builder(chat_dialect dialect, std::string_view model, bool may_drop)
      : is_extended_{dialect == chat_dialect::extended}, may_drop_{may_drop}, model_{model} {}

  /// Steps return false after refuse().
  bool build(const json& request);
  json take() { return std::move(out_); }
  std::vector<std::string> take_dropped() { return std::move(dropped_); }
  const refusal& why() const { return refusal_; }

 private:
  bool refuse(std::string message, int status = 422);
  /// Tells that `name` is left out; once.
  void drop(std::string_view name);
  /// Leaves it out where that is allowed; else refuses.
  bool drop_or_refuse(std::string_view name, std::string message);

  // messages_chat_builder.cpp
  bool check_members(const json& request);
  bool add_sampling(const json& request);
  void add_user_id(const json& request);
  void add_tier(const json& request);
  void add_thinking(const json& request);
  bool add_format(const json& request);

  // messages_chat_content.cpp
  bool add_system(const json& request);
  bool add_messages(const json& request);
  bool add_user(const json& content);
  bool add_user_block(const json& block, json& parts);
  bool add_assistant(const json& content);
  bool add_assistant_block(const json& block, json& parts, json& message);
  void add_thought(const json& block, json& message);
  bool add_tool_use(const json& block, json& message);
  bool add_tool_result(const json& block, json& attached);
  bool add_image(const json& block, json& parts);
  bool add_document(const json& block, json& parts);
  void add_search_result(const json& block, json& parts);
  void add_text(std::string_view text, const json& block, json& parts);
  void keep_cache_control(const json& from, json& to);
  json content_of(json parts) const;

  // messages_chat_tools.cpp
  bool add_tools(const json& request);
  bool add_tool(const json& tool, json& tools);
  bool add_tool_choice(const json& request);

  bool is_extended_, may_drop_;
  std::string_view model_;
  json out_ = json::object();
  std::vector<std::string> dropped_;
  refusal refusal_;
};

/// Does OpenAI's `strict` take this schema: every object closed, all its properties required?
bool fits_strict(const json& schema);

/// Names of models that take `reasoning_effort`: o1, o3-mini, gpt-5.1, gpt-oss-120b …
bool is_openai_reasoner(std::string_view model);

}  // namespace understudy::translate
