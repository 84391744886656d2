#include "translate/chat_chunk.hpp"

namespace understudy::translate {

using codec::json_cursor;
using codec::json_kind;

bool chat_chunk::read(std::string_view text) {
  *this = {};
  json_cursor at{text};
  const bool is_object = at.kind() == json_kind::object && at.enter();
  while (is_object && at.next()) {
    const auto kind = at.kind();
    if (at.is_key("choices") && kind == json_kind::array)
      read_choices(at);
    else if (at.is_key("id"))
      id = at.take();
    else if (at.is_key("model"))
      model = at.take();
    else if (at.is_key("usage") && kind == json_kind::object)
      usage = at.take();
    else if (at.is_key("service_tier") && kind == json_kind::string)
      service_tier = at.take();
    else if (at.is_key("error"))
      has_error = has_error || kind != json_kind::null;
  }
  return at.finish();
}

void chat_chunk::read_choices(json_cursor& at) {
  choice = {};
  at.enter();
  for (bool is_first = true; at.next(); is_first = false)
    if (is_first && at.kind() == json_kind::object) read_choice(at);
}

void chat_chunk::read_choice(json_cursor& at) {
  choice.is_there = true;
  at.enter();
  while (at.next()) {
    const auto kind = at.kind();
    if (at.is_key("delta") && kind == json_kind::object)
      read_delta(at);
    else if (kind != json_kind::string)
      continue;
    else if (at.is_key("finish_reason"))
      choice.finish_reason = at.take();
    else if (at.is_key("stop_reason"))
      choice.stop_reason = at.take();
    else if (at.is_key("matched_stop"))
      choice.matched_stop = at.take();
  }
}

void chat_chunk::read_delta(json_cursor& at) {
  auto& delta = choice.delta;
  delta = {};
  at.enter();
  while (at.next()) {
    if (at.is_key("content"))
      delta.content = at.take();
    else if (at.is_key("reasoning_content"))
      delta.reasoning_content = at.take();
    else if (at.is_key("reasoning"))
      delta.reasoning = at.take();
    else if (at.is_key("thinking_blocks"))
      delta.thinking_blocks = at.take();
    else if (at.is_key("refusal"))
      delta.refusal = at.take();
    else if (at.is_key("tool_calls"))
      delta.tool_calls = at.take();
  }
}

}  // namespace understudy::translate
