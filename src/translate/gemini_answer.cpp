#include "translate/gemini_answer.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include <understudy/codec/json_scan.hpp>

#include "translate/gemini_helper.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

gemini_call read_call(std::string_view call, std::string_view signature) {
  gemini_call out;
  out.id = raw_string_of(call, "id");
  out.name = raw_string_of(call, "name");
  out.args = raw_object_of(call, "args");
  out.signature = signature;
  return out;
}

void append_call(std::string& out, const gemini_call& call, const std::string& id) {
  out += R"("id":)";
  if (call.id.size() > 2)
    append_raw_text(out, call.id);
  else
    codec::append_json_string(out, id);
  out += R"(,"type":"function","function":{"name":)";
  append_raw_text(out, call.name);
  out += R"(,"arguments":)";
  std::string args;
  bool is_inside = false, is_escaped = false;
  for (const char c : call.args) {
    const bool is_space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (is_inside || !is_space) args += c;
    if (c == '"' && !is_escaped) is_inside = !is_inside;
    is_escaped = c == '\\' && !is_escaped;
  }
  codec::append_json_string(out, args.empty() ? "{}" : args);
  out += "}";
  if (call.signature.size() > 2) {
    out += R"(,"extra_content":{"google":{"thought_signature":)";
    append_raw_text(out, call.signature);
    out += "}}";
  }
}

void append_calls(std::string& out, const gemini_candidate& from, const gemini_call_ids& ids,
                  std::size_t first, bool has_index) {
  if (from.calls.empty()) return;
  out += R"(,"tool_calls":[)";
  for (std::size_t i = 0; i < from.calls.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    if (has_index) out += "\"index\":" + std::to_string(first + i) + ",";
    append_call(out, from.calls[i], ids.id(from.index, first + i));
    out += "}";
  }
  out += "]";
}

/// Signatures of the first call, or else of the text.
std::string_view block_signature(const gemini_candidate& from) {
  if (!from.calls.empty() && from.calls.front().signature.size() > 2)
    return from.calls.front().signature;
  return from.signature;
}

void append_thoughts(std::string& out, const gemini_candidate& from, bool is_delta) {
  if (!from.thoughts.empty()) out.append(R"(,"reasoning_content":")").append(from.thoughts) += '"';
  const auto signature = block_signature(from);
  // In a stream the text of the thoughts goes out as it comes; a block brings the signature.
  if (signature.empty() && (is_delta || from.thoughts.empty())) return;
  out += R"(,"thinking_blocks":[{"type":"thinking","thinking":")";
  if (!is_delta) out += from.thoughts;
  out += R"(","signature":)";
  append_raw_text(out, signature);
  out += "}]";
}

void append_rest(std::string& out, const gemini_candidate& from) {
  if (!from.signature.empty()) {
    out += R"(,"extra_content":{"google":{"thought_signature":)";
    append_raw_text(out, from.signature);
    out += "}}";
  }
  if (from.images.empty()) return;
  out += R"(,"images":[)";
  for (std::size_t i = 0; i < from.images.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    out += "\"index\":" + std::to_string(i) + R"(,"type":"image_url","image_url":{"url":)";
    codec::append_json_string(
        out, "data:" + unquote(from.images[i].mime) + ";base64," + unquote(from.images[i].data));
    out += "}}";
  }
  out += "]";
}

std::size_t read_index(const codec::json_value& value, std::size_t otherwise) {
  std::size_t index = 0;
  const auto* end = value.text.data() + value.text.size();
  const bool is_fine =
      value.kind == json_kind::number && std::from_chars(value.text.data(), end, index).ptr == end;
  return is_fine ? index : otherwise;
}

void append_token(std::string& out, std::string_view candidate) {
  out += R"("token":)";
  append_raw_text(out, raw_string_of(candidate, "token"));
  out += R"(,"logprob":)";
  const auto value = codec::find_member(candidate, "logProbability");
  out += value && value->kind == json_kind::number ? value->text : "0";
  out += R"(,"bytes":null)";
}

void append_tokens(std::string& out, std::string_view candidates) {
  codec::json_reader reader{candidates.empty() ? "[]" : candidates};
  for (bool is_first = true; reader.next(); is_first = false) {
    out += is_first ? "{" : ",{";
    append_token(out, reader.value().text);
    out += "}";
  }
}

}  // namespace

void gemini_candidate::clear_content() {
  text.clear();
  thoughts.clear();
  calls.clear();
  images.clear();
  signature = {};
}

void gemini_candidate::read(codec::json_cursor& at, std::size_t position) {
  clear_content();
  index = position;
  finish_reason.clear();
  finish_message.clear();
  logprobs = grounding = {};
  if (at.kind() != json_kind::object || !at.enter()) return;
  while (at.next()) {
    const auto kind = at.kind();
    if (at.is_key("content") && kind == json_kind::object)
      read_content(at);
    else if (at.is_key("index"))
      index = read_index({kind, at.take()}, position);
    else if (at.is_key("finishReason") && kind == json_kind::string)
      finish_reason = unquote(at.take());
    else if (at.is_key("finishMessage") && kind == json_kind::string)
      finish_message = unquote(at.take());
    else if (at.is_key("logprobsResult") && kind == json_kind::object)
      logprobs = at.take();
    else if (at.is_key("groundingMetadata") && kind == json_kind::object)
      grounding = at.take();
  }
  if (finish_reason == "FINISH_REASON_UNSPECIFIED") finish_reason.clear();
}

void gemini_candidate::read_content(codec::json_cursor& at) {
  at.enter();
  while (at.next()) {
    if (!at.is_key("parts") || at.kind() != json_kind::array || !at.enter()) continue;
    clear_content();
    while (at.next())
      if (at.kind() == json_kind::object) read_part(at);
  }
}

void gemini_candidate::read_part(codec::json_cursor& at) {
  std::string_view said, sign, call, image;
  bool is_thought = false;
  at.enter();
  while (at.next()) {
    const auto kind = at.kind();
    if (at.is_key("text") && kind == json_kind::string)
      said = at.take();
    else if (at.is_key("thought"))
      is_thought = at.take() == "true";
    else if (at.is_key("thoughtSignature") && kind == json_kind::string)
      sign = at.take();
    else if (at.is_key("functionCall") && kind == json_kind::object)
      call = at.take();
    else if (at.is_key("inlineData") && kind == json_kind::object)
      image = at.take();
  }
  if (!call.empty()) {
    calls.push_back(read_call(call, sign));
    return;
  }
  if (sign.size() > 2) signature = sign;
  if (!image.empty() && !is_thought)
    images.push_back({raw_string_of(image, "mimeType"), raw_string_of(image, "data")});
  else if (said.size() > 2)
    append_inside(is_thought ? thoughts : text, said);
}

gemini_candidate read_gemini_candidate(std::string_view candidate, std::size_t position) {
  gemini_candidate out;
  codec::json_cursor at{candidate};
  out.read(at, position);
  return out;
}

gemini_call_ids::gemini_call_ids(std::string_view response_id) : prefix{"call_"} {
  // FNV-1a: short and of plain characters, as other providers want ids that come back.
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : response_id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  for (int shift = 60; shift >= 0; shift -= 4) prefix += "0123456789abcdef"[(hash >> shift) & 15U];
}

std::string gemini_call_ids::id(std::size_t candidate, std::size_t call) const {
  return prefix + "_" + std::to_string(candidate) + "_" + std::to_string(call);
}

void append_gemini_message(std::string& out, const gemini_candidate& candidate,
                           const gemini_call_ids& ids, std::string_view extra) {
  out += R"({"role":"assistant","content":)";
  if (candidate.text.empty() && !candidate.calls.empty())
    out += "null";
  else
    out.append("\"").append(candidate.text) += '"';
  append_thoughts(out, candidate, false);
  append_calls(out, candidate, ids, 0, false);
  append_rest(out, candidate);
  out.append(extra) += '}';
}

void append_gemini_delta(std::string& out, const gemini_candidate& candidate,
                         const gemini_call_ids& ids, bool has_role, std::size_t first_call,
                         std::string_view extra) {
  const auto begin = out.size();
  if (has_role) out += R"(,"role":"assistant")";
  const bool is_opening = has_role && candidate.calls.empty();
  if (!candidate.text.empty() || is_opening)
    out.append(R"(,"content":")").append(candidate.text) += '"';
  append_thoughts(out, candidate, true);
  append_calls(out, candidate, ids, first_call, true);
  append_rest(out, candidate);
  out += extra;
  if (out.size() == begin)
    out += "{";
  else
    out[begin] = '{';  // in place of the first comma
  out += "}";
}

void append_gemini_logprobs(std::string& out, std::string_view result) {
  const auto chosen = raw_array_of(result, "chosenCandidates");
  const auto top = raw_array_of(result, "topCandidates");
  codec::json_reader steps{chosen.empty() ? "[]" : chosen};
  codec::json_reader rivals{top.empty() ? "[]" : top};
  out += R"({"content":[)";
  for (bool is_first = true; steps.next(); is_first = false) {
    out += is_first ? "{" : ",{";
    append_token(out, steps.value().text);
    out += R"(,"top_logprobs":[)";
    if (rivals.next()) append_tokens(out, raw_array_of(rivals.value().text, "candidates"));
    out += "]}";
  }
  out += R"(],"refusal":null})";
}

std::string quoted_gemini_text(std::string_view raw) {
  const auto text = codec::unescape_json(raw);
  const auto first = text.find('"');
  const auto last = text.rfind('"');
  if (first == std::string::npos || codec::check_json(text)) return {};
  const auto trimmed = std::string_view{text}.substr(first, last - first + 1);
  if (text.find_first_not_of(" \t\r\n") != first) return {};
  std::string out;
  append_raw_text(out, trimmed);
  return out;
}

}  // namespace understudy::translate
