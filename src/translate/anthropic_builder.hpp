#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "translate/anthropic_request.hpp"
#include "translate/claude_models.hpp"
#include "translate/json.hpp"

/// The work behind anthropic_request(). Every step returns false after refuse().
namespace understudy::translate {

class anthropic_builder {
 public:
  explicit anthropic_builder(const anthropic_target& target);

  bool build(const json& request);
  json take() { return std::move(out_); }
  std::vector<std::string> take_dropped() { return std::move(dropped_); }
  const refusal& why() const { return refusal_; }

 private:
  bool refuse(std::string message, int status = 422);
  /// What can't be carried: true where it may be left out, and is then told by that name.
  bool lose(std::string_view name, std::string message);
  void drop(std::string_view name);

  // anthropic_request.cpp
  bool check_expressible(const json& request);
  bool add_limit(const json& request);
  bool add_sampling(const json& request);
  bool add_temperature(const json& value);
  bool add_stop(const json& request);
  bool add_reasoning(const json& request);
  bool add_response_format(const json& request);
  bool add_schema(const json& format);
  void add_service_tier(const json& request);
  void add_user_id(const json& request);
  void report_rest(const json& request);

  // anthropic_messages.cpp
  bool add_messages(const json& request);
  bool add_message(const json& message);
  bool add_system(const json& message);
  bool add_user(const json& content);
  bool add_assistant(const json& message);
  bool add_assistant_part(const json& part, json& blocks);
  void add_thinking_blocks(const json& message, json& blocks);
  void add_thinking(const json& part, std::string_view text, json& blocks);
  bool add_tool_calls(const json& message, json& blocks);
  bool add_tool_result(const json& message);
  bool add_content(const json& content, std::string_view role, json& blocks);
  void append(std::string_view role, json blocks);
  void trim_prefill();

  // anthropic_parts.cpp
  bool add_part(const json& part, std::string_view role, json& blocks);
  bool add_image(const json& part, json& blocks);
  bool add_file(const json& part, json& blocks);
  bool add_data(std::string_view uri, const char* name, json& blocks);
  bool add_url(std::string_view url, json& blocks);

  // anthropic_tools.cpp
  bool add_tools(const json& request);
  bool add_tool(const json& tool, json& tools);
  void add_tools_of_history(json& tools) const;
  bool add_tool_choice(const json& request);

  anthropic_target target_;
  claude_model model_;
  std::vector<std::string> used_tools_;  ///< names of the calls in the messages
  std::vector<std::string> dropped_;
  refusal refusal_;
  json system_ = json::array();
  json messages_ = json::array();
  json out_ = json::object();
};

/// Unless it is blank, which Anthropic refuses.
void append_text_block(std::string_view text, json& blocks);
/// Puts an ephemeral `cache_control` of a part, message or tool on a block.
void keep_cache_control(const json& from, json& block);
/// ASCII letters, digits, `_` and `-`.
bool is_id_character(char c);
/// An id that Anthropic takes (letters, digits, `_`, `-`): other vendors' have dots and colons.
std::string tool_id(std::string_view id);

}  // namespace understudy::translate
