#include "translate/chat_chunk.hpp"

#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_cursor;
using codec::json_kind;

void read_chunk_delta(json_cursor& at, chat_chunk_delta& out) {
  out = {};
  at.enter();
  while (at.next()) {
    if (at.is_key("content"))
      out.content = at.take();
    else if (at.is_key("reasoning_content"))
      out.reasoning_content = at.take();
    else if (at.is_key("reasoning"))
      out.reasoning = at.take();
    else if (at.is_key("thinking_blocks"))
      out.thinking_blocks = at.take();
    else if (at.is_key("refusal"))
      out.refusal = at.take();
    else if (at.is_key("tool_calls"))
      out.tool_calls = at.take();
    else if (at.is_key("annotations"))
      out.annotations = at.take();
  }
}

void read_called_function(json_cursor& at, chat_call_delta& out) {
  out.name = out.arguments = {};
  at.enter();
  while (at.next()) {
    if (at.is_key("name"))
      out.name = text_of_raw(at.take());
    else if (at.is_key("arguments"))
      out.arguments = text_of_raw(at.take());
  }
}

}  // namespace

std::string_view chat_chunk_delta::thought() const {
  const auto first = text_of_raw(reasoning_content);
  return first.empty() ? text_of_raw(reasoning) : first;
}

void chat_call_delta::read(json_cursor& at) {
  *this = {};
  is_object = at.kind() == json_kind::object && at.enter();
  while (is_object && at.next()) {
    if (at.is_key("function") && at.kind() == json_kind::object)
      read_called_function(at, *this);
    else if (at.is_key("id"))
      id = text_of_raw(at.take());
    else if (at.is_key("index") && at.kind() == json_kind::number)
      index = at.take();
  }
}

void chat_chunk_choice::read(json_cursor& at) {
  *this = {};
  is_there = at.kind() == json_kind::object && at.enter();
  while (is_there && at.next()) {
    const auto kind = at.kind();
    if (at.is_key("delta") && kind == json_kind::object)
      read_chunk_delta(at, delta);
    else if (at.is_key("index"))
      index = at.take();
    else if (at.is_key("logprobs"))
      logprobs = at.take();
    else if (kind != json_kind::string)
      continue;
    else if (at.is_key("finish_reason"))
      finish_reason = at.take();
    else if (at.is_key("stop_reason"))
      stop_reason = at.take();
    else if (at.is_key("matched_stop"))
      matched_stop = at.take();
  }
}

bool chat_chunk::read(std::string_view text) {
  *this = {};
  json_cursor at{text};
  const bool is_object = at.kind() == json_kind::object && at.enter();
  while (is_object && at.next()) {
    const auto kind = at.kind();
    if (at.is_key("choices") && kind == json_kind::array) {
      const auto begin = at.offset();
      at.enter();
      first_choice = {};
      for (bool is_first = true; at.next(); is_first = false)
        if (is_first) first_choice.read(at);
      choices = text.substr(begin, at.offset() - begin);
    } else if (at.is_key("id")) {
      id = at.take();
    } else if (at.is_key("model")) {
      model = at.take();
    } else if (at.is_key("created")) {
      created = at.take();
    } else if (at.is_key("usage") && kind == json_kind::object) {
      usage = at.take();
    } else if (at.is_key("service_tier") && kind == json_kind::string) {
      service_tier = at.take();
    } else if (at.is_key("error") && kind != json_kind::null && error.empty()) {
      error = at.take();
    }
  }
  return at.finish();
}

}  // namespace understudy::translate
