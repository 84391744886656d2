#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "translate/gemini_model.hpp"
#include "translate/gemini_request.hpp"
#include "translate/json.hpp"

/// The work behind gemini_request(). Every step returns false after refuse().
namespace understudy::translate {

class gemini_builder {
 public:
  gemini_builder(std::string_view model, bool may_drop);

  bool build(const json& request);
  json take() { return std::move(out_); }
  const refusal& why() const { return refusal_; }
  const gemini_asked& asked() const { return asked_; }
  std::vector<std::string> take_dropped() { return std::move(dropped_); }

 private:
  struct known_call {
    std::string name;
    std::size_t order = 0;  ///< among all calls of the conversation
  };
  struct call_result {
    std::size_t order = 0;
    json part;
  };

  bool refuse(std::string message, int status = 422);
  /// True, with `name` told as dropped, where the backend may drop; else refuses.
  bool lose(std::string_view name, std::string message);
  void tell_dropped(std::string_view name);

  // gemini_builder.cpp
  bool check_expressible(const json& request);
  bool add_modalities(const json& request);
  bool add_sampling(const json& request);
  bool add_number(const json& request, const char* name, const char* target);
  bool add_count(const json& request);
  bool add_stop(const json& request);
  bool add_logprobs(const json& request);
  void tell_unknown(const json& request);

  // gemini_format.cpp
  bool add_format(const json& request);
  bool add_response_format(const json& format);
  bool add_guided(const json& request, const char* name);
  bool add_response_schema(const json& schema);
  bool add_vendor_fields(const json& request);

  // gemini_thinking.cpp
  bool add_thinking(const json& request);
  bool add_thinking_type(const json& thinking);
  void add_effort(std::string_view effort);

  // gemini_messages.cpp
  bool add_messages(const json& request);
  bool add_message(const json& message);
  bool add_system(const json* content);
  bool add_user(const json* content);
  bool add_tool_result(const json& message);
  bool read_text(const json* content, std::string_view role, std::string& text);
  void append_text(const json& part, std::string_view text, json& parts);
  void append_content(std::string_view role, json parts);
  void flush_user();

  // gemini_history.cpp
  bool add_assistant(const json& message);
  bool add_assistant_part(const json& part, json& thoughts, json& texts);
  bool add_thought(const json& part, json& thoughts);
  bool add_tool_calls(const json& message, json& parts);
  void sign_first_call(json& parts, bool is_foreign) const;

  // gemini_parts.cpp
  bool add_user_part(const json& part);
  bool add_media(std::string_view type, std::string_view url, std::string_view default_mime);
  bool add_inline(std::string_view type, std::string_view uri);
  bool add_audio(const json& part);
  bool add_file(const json& part);
  void add_detail(const json& image);

  // gemini_tools.cpp
  bool add_tools(const json& request);
  bool add_tool(const json& tool);
  bool add_function(const json& tool, json& declarations);
  bool add_search_options(const json& options);
  bool add_tool_choice(const json& request);

  gemini_model model_;
  bool may_drop_;
  gemini_asked asked_;
  std::vector<std::string> dropped_;
  std::map<std::string, known_call, std::less<>> calls_;  ///< by id
  std::size_t call_count_ = 0;
  std::vector<call_result> pending_results_;  ///< of the user's turn that is being collected
  json pending_parts_ = json::array();
  std::string signature_;  ///< of the thoughts of the message being read
  json declarations_ = json::array();
  refusal refusal_;
  json out_;
};

}  // namespace understudy::translate
