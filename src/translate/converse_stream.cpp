#include "translate/converse_stream.hpp"

#include <algorithm>

#include "translate/anthropic_helper.hpp"
#include "translate/converse_citations.hpp"
#include "translate/converse_helper.hpp"
#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {

using codec::json_kind;

converse_stream::converse_stream(const head& head) : has_usage_chunk_{head.has_usage_chunk} {
  opening_ = R"(data: {"id":)";
  codec::append_json_string(opening_, head.id);
  opening_ += R"(,"object":"chat.completion.chunk","created":)";
  opening_ += std::to_string(head.created);
  opening_ += R"(,"model":)";
  codec::append_json_string(opening_, head.model);
  opening_ += R"(,"choices":)";
}

void converse_stream::begin_delta(std::string& out) const {
  out += opening_;
  out += R"([{"index":0,"delta":)";
}

void converse_stream::end_delta(std::string& out, std::string_view finish_reason) const {
  out += R"(,"finish_reason":)";
  if (finish_reason.empty())
    out += "null";
  else
    codec::append_json_string(out, finish_reason);
  out += "}]";
  if (has_usage_chunk_) out += R"(,"usage":null)";
  out += "}\n\n";
}

bool converse_stream::fail(std::string_view type, std::string_view message, std::string& out) {
  if (!has_failed_) append_error_event(out, operation::chat_completions, type, {}, message);
  has_failed_ = true;
  return false;
}

void converse_stream::abort(std::string_view message, std::string& out) { fail({}, message, out); }

bool converse_stream::feed(std::string_view bytes, std::string& out) {
  using enum codec::event_stream_decoder::step;
  while (!has_failed_) {
    codec::event_message frame;
    const auto step = decoder_.next(bytes, frame);
    if (step == need_more) return true;
    if (step == failed) return fail({}, decoder_.error(), out);
    if (!on_message(frame, out)) return false;
  }
  return false;
}

bool converse_stream::on_message(const codec::event_message& message, std::string& out) {
  const auto kind = message.text_of(":message-type");
  if (kind == "event" || kind.empty())
    return on_event(message.text_of(":event-type"), message.payload, out);
  if (kind == "error") {
    const auto text = message.text_of(":error-message");
    return fail(message.text_of(":error-code"), text.empty() ? "upstream error" : text, out);
  }
  auto text = string_member(message.payload, "message");
  if (text.empty()) text = "the upstream broke the stream off with an exception";
  return fail(message.text_of(":exception-type"), text, out);
}

bool converse_stream::on_event(std::string_view type, std::string_view payload, std::string& out) {
  if (type == "contentBlockDelta") {
    if (converse_delta delta; delta.read(payload)) {
      on_block_delta(delta, out);
      return true;
    }
  }
  if (const auto error = codec::check_json(payload))
    return fail({}, malformed_event_text(*error), out);
  if (type == "messageStart") {
    begin_delta(out);
    out += R"({"role":"assistant","content":""})";
    end_delta(out);
  } else if (type == "contentBlockStart") {
    on_block_start(payload, out);
  } else if (type == "contentBlockStop") {
    on_block_stop(payload, out);
  } else if (type == "messageStop") {
    return on_message_stop(payload, out);
  } else if (type == "metadata") {
    on_metadata(payload, out);
  }
  return true;
}

void converse_stream::on_block_start(std::string_view payload, std::string& out) {
  const auto start = raw_object_of(payload, "start");
  const auto tool = raw_object_of(start, "toolUse");
  if (tool.empty() || calls_.size() == max_tool_calls) return;
  const auto block = raw_member(payload, "contentBlockIndex", json_kind::number);
  const auto id = raw_string_of(tool, "toolUseId");
  const auto name = raw_string_of(tool, "name");
  begin_delta(out);
  out += R"({"tool_calls":[{"index":)";
  out += std::to_string(calls_.size());
  out += R"(,"id":)";
  append_raw_text(out, id.empty() ? R"("")" : id);
  out += R"(,"type":"function","function":{"name":)";
  append_raw_text(out, name.empty() ? R"("")" : name);
  out += R"(,"arguments":""}}]})";
  end_delta(out);
  calls_.push_back({std::string{block}, false});
}

/// Of the call whose block this is; the newest one where the event doesn't say.
std::size_t converse_stream::tool_index(std::string_view block) const {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(),
                                  [block](const tool_call& c) { return c.block == block; });
  if (found == calls_.rend()) return calls_.empty() ? 0 : calls_.size() - 1;
  return static_cast<std::size_t>(calls_.rend() - found) - 1;
}

void converse_stream::on_block_delta(const converse_delta& delta, std::string& out) {
  if (const auto text = delta.text; !text.empty()) {
    text_characters_ += code_points(text.substr(1, text.size() - 2), true);
    begin_delta(out);
    out += R"({"content":)";
    append_raw_text(out, text);
    out += "}";
    end_delta(out);
  } else if (delta.has_tool) {
    if (!delta.tool_input.empty()) emit_arguments(tool_index(delta.block), delta.tool_input, out);
  } else if (!delta.citation.empty()) {
    on_citation(delta.citation, out);
  } else {
    on_reasoning(delta, out);
  }
}

void converse_stream::emit_arguments(std::size_t call, std::string_view raw, std::string& out) {
  if (call < calls_.size() && raw.size() > 2) calls_[call].has_arguments = true;
  begin_delta(out);
  out += R"({"tool_calls":[{"index":)";
  out += std::to_string(call);
  out += R"(,"function":{"arguments":)";
  append_raw_text(out, raw);
  out += "}}]}";
  end_delta(out);
}

void converse_stream::on_citation(std::string_view citation, std::string& out) {
  const auto parsed = parse_json(citation);
  auto made = parsed ? url_citation(*parsed) : std::nullopt;
  if (!made) return;
  (*made)["start_index"] = block_begin_;
  (*made)["end_index"] = text_characters_;
  const json annotation{{"type", "url_citation"}, {"url_citation", std::move(*made)}};
  begin_delta(out);
  out.append(R"({"annotations":[)").append(dump_json(annotation)) += "]}";
  end_delta(out);
}

/// A call without arguments: OpenAI's clients parse the text, and nothing is no JSON.
void converse_stream::on_block_stop(std::string_view payload, std::string& out) {
  block_begin_ = text_characters_;
  const auto block = raw_member(payload, "contentBlockIndex", json_kind::number);
  const auto call = tool_index(block);
  if (call >= calls_.size() || calls_[call].block != block || calls_[call].has_arguments) return;
  emit_arguments(call, R"("{}")", out);
}

void converse_stream::on_reasoning(const converse_delta& delta, std::string& out) {
  const auto emit = [&](std::string_view opening, std::string_view raw, std::string_view closing) {
    if (raw.empty()) return;
    begin_delta(out);
    out += opening;
    append_raw_text(out, raw);
    out += closing;
    end_delta(out);
  };
  emit(R"({"reasoning_content":)", delta.reasoning_text, "}");
  emit(R"({"thinking_blocks":[{"type":"thinking","thinking":"","signature":)", delta.signature,
       "}]}");
  emit(R"({"thinking_blocks":[{"type":"redacted_thinking","data":)", delta.redacted, "}]}");
}

bool converse_stream::on_message_stop(std::string_view payload, std::string& out) {
  const auto reason = string_member(payload, "stopReason");
  const auto finish = finish_reason_of(reason);
  if (!finish) return fail(reason, "the model's output was malformed (" + reason + ")", out);
  has_stopped_ = true;
  begin_delta(out);
  out += "{}";
  end_delta(out, *finish);
  return true;
}

void converse_stream::on_metadata(std::string_view payload, std::string& out) {
  const auto usage = raw_object_of(payload, "usage");
  if (usage.empty()) return;
  usage_ = usage_of(usage);
  if (!has_usage_chunk_ || !usage_.total) return;
  out += opening_;
  out += R"([],"usage":)";
  append_usage(out, usage_);
  const auto tier = raw_object_of(payload, "serviceTier");
  if (const auto type = raw_string_of(tier, "type"); !type.empty()) {
    out += R"(,"service_tier":)";
    append_raw_text(out, type);
  }
  out += "}\n\n";
}

bool converse_stream::finish(std::string& out) {
  if (has_failed_) return false;
  if (!decoder_.is_between_messages()) return fail({}, "the upstream's stream was cut off", out);
  if (!has_stopped_)
    return fail({}, "the upstream's stream ended before the model's answer did", out);
  out += "data: [DONE]\n\n";
  return true;
}

}  // namespace understudy::translate
