#include "translate/converse_delta.hpp"

#include <understudy/codec/json_cursor.hpp>

namespace understudy::translate {
namespace {

using codec::json_cursor;
using codec::json_kind;

void read_tool_input(json_cursor& at, converse_delta& out) {
  out.has_tool = true;
  out.tool_input = {};
  at.enter();
  while (at.next())
    if (at.is_key("input") && at.kind() == json_kind::string) out.tool_input = at.take();
}

void read_reasoning_content(json_cursor& at, converse_delta& out) {
  out.reasoning_text = out.signature = out.redacted = {};
  at.enter();
  while (at.next()) {
    if (at.kind() != json_kind::string) continue;
    if (at.is_key("text"))
      out.reasoning_text = at.take();
    else if (at.is_key("signature"))
      out.signature = at.take();
    else if (at.is_key("redactedContent"))
      out.redacted = at.take();
  }
}

/// Of two members of one name and the right kind the last counts.
void read_delta_members(json_cursor& at, converse_delta& out) {
  const auto block = out.block;
  out = {};
  out.block = block;
  at.enter();
  while (at.next()) {
    const auto kind = at.kind();
    if (at.is_key("text") && kind == json_kind::string)
      out.text = at.take();
    else if (at.is_key("toolUse") && kind == json_kind::object)
      read_tool_input(at, out);
    else if (at.is_key("reasoningContent") && kind == json_kind::object)
      read_reasoning_content(at, out);
    else if (at.is_key("citation") && kind == json_kind::object)
      out.citation = at.take();
  }
}

}  // namespace

bool converse_delta::read(std::string_view payload) {
  json_cursor at{payload};
  if (at.kind() == json_kind::object && at.enter()) {
    while (at.next()) {
      if (at.is_key("delta") && at.kind() == json_kind::object)
        read_delta_members(at, *this);
      else if (at.is_key("contentBlockIndex") && at.kind() == json_kind::number)
        block = at.take();
    }
  }
  return at.finish();
}

}  // namespace understudy::translate
