#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "translate/json.hpp"
#include "translate/responses_request.hpp"

/// The work behind responses_request.hpp: members in responses_request.cpp, the items of `input`
/// in responses_input.cpp, tools in responses_tools.cpp.
namespace understudy::translate {

class responses_builder {
 public:
  responses_builder(std::string_view model, bool may_drop) : may_drop_{may_drop} {
    out_ = json{{"model", model}, {"messages", json::array()}};
  }

  bool build(const json& request, bool is_stream);
  const refusal& why() const { return refusal_; }
  json take() { return std::move(out_); }
  bool has_sealed_reasoning() const { return has_sealed_reasoning_; }
  std::vector<std::string> take_dropped() { return std::move(dropped_); }

 private:
  /// Items of the assistant in a row: one message of a chat.
  struct assistant_turn {
    json parts = json::array();
    json tool_calls = json::array();
    json thinking_blocks = json::array();
    std::string reasoning;
    std::string refusal;
  };

  bool refuse(std::string message, int status = 422);
  /// What a chat has no words for and what matters: refused, or left out where that is allowed.
  bool lose(std::string name, std::string message);
  void tell(std::string name);  ///< a hint that was left out

  bool check_state(const json& request);
  bool add_text(const json& request);
  bool add_reasoning_effort(const json& request);
  bool add_include(const json& request);
  void add_same_names(const json& request);
  void tell_the_rest(const json& request);

  bool add_input(const json& request);
  bool add_item(const json& item);
  bool add_message(const json& item);
  bool add_parts(const json& content, std::string_view role, json& parts);
  bool add_part(const json& part, std::string_view role, json& parts);
  bool add_image(const json& part, json& parts);
  bool add_file(const json& part, json& parts);
  bool add_call(const json& item);
  bool add_call_output(const json& item);
  void add_reasoning(const json& item);
  void end_turn();

  bool add_tools(const json& request);
  bool add_tool(const json& tool, json& tools);
  bool add_tool_choice(const json& request);
  bool add_allowed_tools(const json& choice);

  bool may_drop_;
  json out_;
  assistant_turn turn_;
  bool has_sealed_reasoning_ = false;
  std::vector<std::string> dropped_;
  refusal refusal_;
};

/// One text as it is, several parts as a list.
json content_of(json parts);

}  // namespace understudy::translate
