#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

#include "translate/anthropic_betas.hpp"
#include "translate/json.hpp"

/// Anthropic Messages request → Bedrock Converse body (spec/gateway-config.md §4.2, §4.5, §9;
/// Converse in the Amazon Bedrock API reference).
///
/// Refused with 422, or left out and told where the backend may drop: images and documents that
/// are not carried in the request, `mcp_servers`, `container`, tools that only Anthropic can run
/// and their results in the history, blocks of an unknown type. Left out and told: citations,
/// `metadata`, thinking that Claude would not accept back (without its signature), whatever else
/// Converse has no word for.
namespace understudy::translate {

class messages_converse_builder {
 public:
  messages_converse_builder(std::string_view model, bool may_drop);

  /// Steps return false after refuse().
  bool build(const json& request);
  void add_betas(const claude_betas& betas);
  json take() { return std::move(out_); }
  std::vector<std::string> take_dropped() { return std::move(dropped_); }
  const refusal& why() const { return refusal_; }

 private:
  bool refuse(std::string message, int status = 422);
  void drop(std::string_view name);
  bool drop_or_refuse(std::string_view name, std::string message);

  // messages_converse_builder.cpp
  bool check_members(const json& request);
  bool add_inference(const json& request);
  bool add_stops(const json& request);
  bool add_model_fields(const json& request);
  bool add_format(const json& request);
  bool add_tools(const json& request);
  bool add_tool(const json& tool, json& tools);
  bool add_tool_choice(const json& choice, json& config);
  void add_tools_of_history(json& tools) const;

  // messages_converse_content.cpp
  bool add_system(const json& content);
  bool add_messages(const json& request);
  bool add_message(const json& message);
  bool add_block(const json& block, std::string_view role, json& blocks);
  bool add_image(const json& block, json& blocks);
  bool add_document(const json& block, json& blocks);
  void add_thought(const json& block, json& blocks);
  bool add_tool_use(const json& block, json& blocks);
  bool add_tool_result(const json& block, json& blocks);
  void add_search_result(const json& block, json& blocks);
  std::string document_name(std::string_view title);
  void append(std::string_view role, json blocks);

  std::string_view model_;
  bool may_drop_;
  bool is_claude_;
  bool has_tool_history_ = false;
  std::size_t documents_ = 0;
  std::vector<std::string> used_tools_;
  std::vector<std::string> dropped_;
  refusal refusal_;
  json out_;
};

}  // namespace understudy::translate
