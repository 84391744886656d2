#include "translate/anthropic_chat_stream.hpp"

#include <algorithm>

#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

/// Strings, and the raw text of what is none.
std::string_view take(const codec::json_value& value, json_kind kind) {
  return value.kind == kind ? value.text : std::string_view{};
}

}  // namespace

/// The members of an event that say something here, as written.
struct anthropic_chat_stream::event {
  std::string_view type;  ///< without its quotes
  std::string_view index, delta, block, message, usage, error;

  /// False when the text is no object.
  bool read(std::string_view json) {
    codec::json_reader reader{json};
    if (reader.kind() != json_kind::object) return false;
    while (reader.next()) {
      const auto& value = reader.value();
      if (reader.is_key("type") && value.kind == json_kind::string)
        type = value.raw_string();
      else if (reader.is_key("index"))
        index = value.text;
      else if (reader.is_key("delta"))
        delta = take(value, json_kind::object);
      else if (reader.is_key("content_block"))
        block = take(value, json_kind::object);
      else if (reader.is_key("message"))
        message = take(value, json_kind::object);
      else if (reader.is_key("usage"))
        usage = take(value, json_kind::object);
      else if (reader.is_key("error"))
        error = take(value, json_kind::object);
    }
    return !reader.failure();
  }
};

anthropic_chat_stream::anthropic_chat_stream(const head& head)
    : scanner_{max_event_bytes},
      has_frames_{head.has_frames},
      has_usage_chunk_{head.has_usage_chunk},
      id_{head.id},
      model_{head.model},
      created_{head.created} {}

bool anthropic_chat_stream::fail(std::string_view type, std::string_view message,
                                 std::string& out) {
  if (!has_failed_) append_error_event(out, operation::chat_completions, type, {}, message);
  has_failed_ = true;
  return false;
}

void anthropic_chat_stream::abort(std::string_view message, std::string& out) {
  fail({}, message, out);
}

bool anthropic_chat_stream::feed(std::string_view bytes, std::string& out) {
  if (has_failed_) return false;
  return has_frames_ ? feed_frames(bytes, out) : feed_events(bytes, out);
}

bool anthropic_chat_stream::feed_frames(std::string_view bytes, std::string& out) {
  for (std::string_view json;;) {
    const auto step = frames_.next(bytes, json);
    if (step == aws_anthropic_frames::step::need_more) return true;
    if (step == aws_anthropic_frames::step::failed)
      return fail(frames_.error_type(), frames_.error(), out);
    if (!on_json({}, json, out)) return false;
  }
}

bool anthropic_chat_stream::feed_events(std::string_view bytes, std::string& out) {
  for (codec::sse_event e;;) {
    const auto step = scanner_.next(bytes, e);
    if (step == codec::sse_scanner::step::need_more) return true;
    if (step == codec::sse_scanner::step::too_large)
      return fail({}, "an event from the upstream is too large", out);
    if (e.data.empty() && e.type != "error") continue;
    if (!on_json(e.type, e.data, out)) return false;
  }
}

bool anthropic_chat_stream::on_json(std::string_view name, std::string_view json,
                                    std::string& out) {
  event e;
  if (!e.read(json)) {
    return fail({},
                name == "error" && !json.empty() ? quoted_error_text(502, json)
                                                 : "malformed event from the upstream",
                out);
  }
  if (e.type.empty()) e.type = name;
  return on_event(e, out);
}

bool anthropic_chat_stream::on_event(const event& e, std::string& out) {
  if (e.type == "error") {
    const auto text = string_member(e.error, "message");
    return fail(string_member(e.error, "type"),
                text.empty() ? "the upstream broke the stream off with an error" : text, out);
  }
  if (has_stopped_) return true;
  if (e.type == "message_start") {
    usage_.take(raw_object_of(e.message, "usage"));
    open(e.message, out);
  } else if (e.type == "content_block_start") {
    return on_block_start(e, out);
  } else if (e.type == "content_block_delta") {
    open({}, out);
    on_delta(e, out);
  } else if (e.type == "content_block_stop") {
    on_block_stop(e, out);
  } else if (e.type == "message_delta") {
    on_message_delta(e);
  } else if (e.type == "message_stop") {
    return on_message_stop(out);
  }
  return true;  // ping, and what comes to be later
}

namespace {

constexpr std::string_view thinking_opening = R"({"reasoning_content":)";
constexpr std::string_view signature_opening =
    R"({"thinking_blocks":[{"type":"thinking","thinking":"","signature":)";
constexpr std::string_view redacted_opening =
    R"({"thinking_blocks":[{"type":"redacted_thinking","data":)";

}  // namespace

bool anthropic_chat_stream::on_block_start(const event& e, std::string& out) {
  open({}, out);
  const auto string = [&e](std::string_view name) { return raw_string_of(e.block, name); };
  const auto type = string("type");
  if (type == R"("tool_use")") return on_tool_start(e, out);
  if (type == R"("text")") {
    block_begin_ = text_characters_;
    emit_text(string("text"), out);
  } else if (type == R"("thinking")") {
    emit(thinking_opening, string("thinking"), "}", out);
    emit(signature_opening, string("signature"), "}]}", out);
  } else if (type == R"("redacted_thinking")") {
    emit(redacted_opening, string("data"), "}]}", out);
  }
  return true;
}

bool anthropic_chat_stream::on_tool_start(const event& e, std::string& out) {
  if (calls_.size() == max_tool_calls)
    return fail({}, "too many tool calls in the upstream's answer", out);
  const auto id = raw_string_of(e.block, "id");
  const auto name = raw_string_of(e.block, "name");
  begin_delta(out);
  out += R"({"tool_calls":[{"index":)";
  out += std::to_string(calls_.size());
  out += R"(,"id":)";
  append_raw_text(out, id.empty() ? R"("")" : id);
  out += R"(,"type":"function","function":{"name":)";
  append_raw_text(out, name.empty() ? R"("")" : name);
  out += R"(,"arguments":""}}]})";
  end_delta(out);
  auto& call = calls_.emplace_back(tool_call{std::string{e.index}, false});
  // The input comes in pieces, as a rule, and is empty here.
  const auto input = raw_object_of(e.block, "input");
  if (codec::json_reader{input.empty() ? "{}" : input}.next()) {
    std::string quoted;
    codec::append_json_string(quoted, input);
    emit_arguments(call, quoted, out);
  }
  return true;
}

/// The newest call of that block: null for blocks that are none.
anthropic_chat_stream::tool_call* anthropic_chat_stream::call_of(std::string_view block) {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(),
                                  [block](const tool_call& c) { return c.block == block; });
  return found == calls_.rend() ? nullptr : &*found;
}

void anthropic_chat_stream::on_delta(const event& e, std::string& out) {
  codec::json_reader reader{e.delta.empty() ? "{}" : e.delta};
  while (reader.next()) {
    const auto& value = reader.value();
    const auto string = take(value, json_kind::string);
    if (reader.is_key("text")) {
      emit_text(string, out);
    } else if (reader.is_key("partial_json")) {
      if (auto* call = call_of(e.index)) emit_arguments(*call, string, out);
    } else if (reader.is_key("thinking")) {
      emit(thinking_opening, string, "}", out);
    } else if (reader.is_key("signature")) {
      emit(signature_opening, string, "}]}", out);
    } else if (reader.is_key("citation")) {
      keep_citation(take(value, json_kind::object));
    }
  }
}

/// A call without arguments: OpenAI's clients parse the text, and nothing is no JSON.
void anthropic_chat_stream::on_block_stop(const event& e, std::string& out) {
  auto* call = call_of(e.index);
  if (call != nullptr && !call->has_arguments) emit_arguments(*call, R"("{}")", out);
  emit_citations(out);
}

void anthropic_chat_stream::on_message_delta(const event& e) {
  if (!e.usage.empty()) usage_.take(e.usage);
  if (auto reason = string_member(e.delta, "stop_reason"); !reason.empty())
    stop_reason_ = std::move(reason);
}

bool anthropic_chat_stream::on_message_stop(std::string& out) {
  if (stop_reason_.empty()) return fail({}, "the upstream's answer ended without a reason", out);
  open({}, out);
  has_stopped_ = true;
  begin_delta(out);
  out += "{}";
  end_delta(out, finish_reason_of_claude(stop_reason_));
  emit_usage(out);
  return true;
}

bool anthropic_chat_stream::finish(std::string& out) {
  if (has_failed_) return false;
  if (has_frames_ && !frames_.is_between_events())
    return fail({}, "the upstream's stream was cut off", out);
  // The last event may lack its blank line.
  if (!has_frames_ && !scanner_.is_between_events() && !feed_events("\n\n", out)) return false;
  if (!has_stopped_)
    return fail({}, "the upstream's stream ended before the model's answer did", out);
  out += "data: [DONE]\n\n";
  return true;
}

}  // namespace understudy::translate
