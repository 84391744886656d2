#include "translate/client_event.hpp"

#include <algorithm>

#include <understudy/codec/json_scan.hpp>

namespace understudy::translate {
namespace {

using codec::json_kind;
using codec::json_reader;
using codec::json_value;

/// Neither null nor empty.
bool is_filled(const json_value& value) {
  switch (value.kind) {
    case json_kind::null:
      return false;
    case json_kind::string:
      return value.text.size() > 2;
    case json_kind::array:
    case json_kind::object:
      return value.text.find_first_not_of(" \t\r\n", 1) + 1 < value.text.size();
    default:
      return true;
  }
}

std::string_view string_text(const json_value& value) {
  return value.kind == json_kind::string ? value.text : std::string_view{};
}

void read_delta(std::string_view delta, client_event& out) {
  json_reader reader{delta};
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("content")) {
      out.text = string_text(value);
      out.has_other = out.has_other || (out.text.empty() && is_filled(value));
    } else if (reader.is_key("role")) {
      continue;
    } else if (reader.is_key("reasoning_content") || reader.is_key("reasoning") ||
               reader.is_key("thinking_blocks") || reader.is_key("reasoning_details")) {
      out.has_reasoning = out.has_reasoning || is_filled(value);
    } else if (reader.is_key("tool_calls") || reader.is_key("function_call") ||
               reader.is_key("refusal") || reader.is_key("audio") || reader.is_key("annotations") ||
               reader.is_key("images")) {
      out.has_other = out.has_other || is_filled(value);
    }
  }
}

void read_choice(std::string_view choice, operation op, client_event& out) {
  json_reader reader{choice};
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("index")) {
      out.has_other = out.has_other || value.text != "0";
    } else if (reader.is_key("finish_reason")) {
      out.has_finish = is_filled(value);
    } else if (op == operation::completions && reader.is_key("text")) {
      out.text = string_text(value);
    } else if (reader.is_key("delta") && value.kind == json_kind::object) {
      read_delta(value.text, out);
    }
  }
}

void read_chunk(const json_reader& member, operation op, client_event& out, int& choices) {
  const auto& value = member.value();
  if (member.is_key("choices") && value.kind == json_kind::array) {
    json_reader items{value.text};
    for (; items.next(); ++choices)
      if (items.value().kind == json_kind::object) read_choice(items.value().text, op, out);
    out.has_other = out.has_other || choices > 1;
  } else if (member.is_key("error")) {
    out.is_error = out.is_error || is_filled(value);
  } else if (member.is_key("id")) {
    out.id = value.text;
  } else if (member.is_key("created")) {
    out.created = value.text;
  } else if (member.is_key("model")) {
    out.model = value.text;
  }
}

client_event read_openai(operation op, const codec::sse_event& event) {
  client_event out;
  if (event.data == "[DONE]") {
    out.is_readable = out.is_end = true;
    return out;
  }
  json_reader reader{event.data};
  int choices = 0;
  if (reader.kind() == json_kind::object)
    while (reader.next()) read_chunk(reader, op, out, choices);
  out.is_readable = !reader.failure() && reader.kind() == json_kind::object;
  const bool says_nothing = out.text.size() <= 2 && !out.has_finish && !out.has_reasoning;
  out.is_opening = choices == 1 && says_nothing && !out.has_other;
  return out;
}

std::string_view type_of(std::string_view object) {
  const auto type = codec::find_member(object, "type");
  return type && type->kind == json_kind::string ? type->raw_string() : std::string_view{};
}

void read_block_delta(std::string_view delta, client_event& out) {
  const auto type = type_of(delta);
  if (type == "text_delta") {
    if (const auto text = codec::find_member(delta, "text")) out.text = string_text(*text);
  } else if (type == "thinking_delta" || type == "signature_delta") {
    out.has_reasoning = true;
  } else {
    out.has_other = true;
  }
}

void read_block_start(std::string_view block, client_event& out) {
  const auto type = type_of(block);
  out.has_reasoning = type == "thinking" || type == "redacted_thinking";
  out.is_block_start = type == "text";
  out.has_other = !out.has_reasoning && !out.is_block_start;
  const auto text = codec::find_member(block, "text");
  // No provider puts text here; what can't be followed must not be joined on.
  if (text && text->text.size() > 2) out.has_other = true;
}

client_event read_anthropic(const codec::sse_event& event) {
  client_event out;
  if (codec::check_json(event.data)) return out;
  out.is_readable = true;
  const auto type = type_of(event.data);
  const auto object_member = [&](std::string_view name) {
    const auto found = codec::find_member(event.data, name);
    return found && found->kind == json_kind::object ? found->text : std::string_view{"{}"};
  };
  if (const auto index = codec::find_member(event.data, "index")) out.index = index->text;
  if (type == "message_start") {
    out.is_opening = true;
  } else if (type == "content_block_start") {
    read_block_start(object_member("content_block"), out);
  } else if (type == "content_block_delta") {
    read_block_delta(object_member("delta"), out);
  } else if (type == "content_block_stop") {
    out.is_block_stop = true;
  } else if (type == "message_delta") {
    out.has_finish = true;
  } else if (type == "message_stop") {
    out.is_end = true;
  } else if (type == "error") {
    out.is_error = true;
  } else {
    out.is_readable = type == "ping";
  }
  return out;
}

}  // namespace

client_event read_client_event(operation op, const codec::sse_event& event) {
  auto out = op == operation::messages ? read_anthropic(event) : read_openai(op, event);
  out.is_error = out.is_error || event.type == "error";
  return out;
}

void event_rewriter::replace(std::string_view place, std::string_view json) {
  if (place.empty() || json.empty() || size_ == max_edits) return;
  edits_[size_++] = {place, json};
  std::sort(edits_, edits_ + size_,
            [](const edit& a, const edit& b) { return a.place.data() < b.place.data(); });
}

void event_rewriter::append_to(std::string& out) const {
  if (!event_.type.empty()) out.append("event: ").append(event_.type) += '\n';
  out += "data: ";
  const auto begin = out.size();
  const char* at = event_.data.data();
  const char* end = at + event_.data.size();
  for (std::size_t i = 0; i < size_; ++i) {
    out.append(at, edits_[i].place.data()).append(edits_[i].json);
    at = edits_[i].place.data() + edits_[i].place.size();
  }
  out.append(at, end);
  // Data of several lines: JSON has line ends only where a blank would do.
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '\n', ' ');
  out += "\n\n";
}

}  // namespace understudy::translate
