#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "trace/describe.hpp"

/// Prompts and answers, for those who have asked for them.
namespace understudy::trace {

struct tool_call {
  std::string name, arguments;
};

/// Of a conversation, in the client's dialect; texts of several parts are joined.
struct chat_message {
  std::string role, text, finish_reason;
  std::vector<tool_call> calls;
};

/// Messages of a request; a system prompt that stands apart comes first. Empty: none, or
/// unreadable.
std::vector<chat_message> read_input(translate::operation op, std::string_view body);
/// Those of an answer, by choice: a JSON document or server-sent events.
std::vector<chat_message> read_output(translate::operation op, std::string_view body);

/// Does nothing unless content is asked for.
void add_content(span& out, const request_trace& of, const exchange_record& record,
                 const exchange_bodies& bodies);

}  // namespace understudy::trace
