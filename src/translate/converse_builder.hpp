#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

#include "translate/dropped.hpp"
#include "translate/json.hpp"

/// The work behind converse_request(). Every step returns false after refuse().
namespace understudy::translate {

class converse_builder {
 public:
  explicit converse_builder(std::string_view model, bool may_drop = false);

  bool build(const json& request);
  json take() { return std::move(out_); }
  std::vector<std::string> take_dropped() { return losses_.take(); }
  const refusal& why() const { return refusal_; }

 private:
  bool refuse(std::string message, int status = 422);
  /// What can't be said to Converse: left out and told where the backend may, else refused.
  bool lose(std::string_view name, std::string message);

  // converse_builder.cpp
  bool check_expressible(const json& request);
  bool add_inference(const json& request);
  bool add_number(const json& request, const char* name, const char* target);
  bool add_stop(const json& request);
  void add_service_tier(const json& request);
  bool add_additional_fields(const json& request);
  bool add_response_format(const json& request);

  // converse_messages.cpp
  bool add_messages(const json& request);
  bool add_message(const json& message);
  bool add_system(const json& content);
  bool add_user(const json& content);
  bool add_assistant(const json& message);
  bool add_tool_calls(const json& message, json& blocks);
  bool add_tool_result(const json& message);
  bool add_text_parts(const json& content, std::string_view role, json& blocks);
  bool add_user_part(const json& part, json& blocks);
  bool add_assistant_part(const json& part, json& blocks);
  bool add_image(const json& part, json& blocks);
  bool add_thinking(const json& part, json& blocks);
  void append(std::string_view role, json blocks);

  // converse_tools.cpp
  bool add_tools(const json& request);
  bool add_tool(const json& tool, json& tools);
  bool add_tool_choice(const json& choice, json& config);
  void add_tools_of_history(json& tools) const;
  void disable_parallel_tools(const json& request, const json& config);

  std::string_view model_;
  bool is_claude_ = false;
  std::vector<std::string> used_tools_;  ///< names of the calls in the messages
  bool has_tool_history_ = false;
  loss_ledger losses_;
  refusal refusal_;
  json out_;
};

/// `{cachePoint:…}` after a part or tool with an ephemeral `cache_control`.
void append_cache_point(const json& part, json& blocks);

}  // namespace understudy::translate
