#include "translate/responses_answer.hpp"

#include <charconv>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>

namespace understudy::translate {
namespace {

constexpr std::string_view seal = "understudy.1.";

void append_number(std::string& out, std::string_view name, std::uint64_t value) {
  out.append(name).append(std::to_string(value));
}

void append_response_usage(std::string& out, const token_usage& usage) {
  if (!usage.input && !usage.output) {
    out += "null";
    return;
  }
  const auto input = usage.input.value_or(0), output = usage.output.value_or(0);
  append_number(out, R"({"input_tokens":)", input);
  append_number(out, R"(,"input_tokens_details":{"cached_tokens":)",
                usage.cached_input.value_or(0));
  append_number(out, R"(,"cache_write_tokens":)", usage.cache_creation_input.value_or(0));
  append_number(out, R"(},"output_tokens":)", output);
  append_number(out, R"(,"output_tokens_details":{"reasoning_tokens":)",
                usage.reasoning.value_or(0));
  append_number(out, R"(},"total_tokens":)", usage.total.value_or(input + output));
  out += "}";
}

void append_parts(std::string& out, const response_item& item, bool is_empty) {
  out += "[";
  if (!is_empty)
    for (const auto& part : item.parts) {
      if (out.back() != '[') out += ",";
      append_part(out, part);
    }
  out += "]";
}

void append_quoted(std::string& out, std::string_view inside) {
  out.append("\"").append(inside).append("\"");
}

void read_numbers(token_usage& out, std::string_view object) {
  codec::json_reader reader{object};
  while (reader.next()) {
    const auto& value = reader.value();
    if (value.kind == codec::json_kind::object) {
      read_numbers(out, value.text);
      continue;
    }
    std::uint64_t number = 0;
    const auto* end = value.text.data() + value.text.size();
    if (value.kind != codec::json_kind::number ||
        std::from_chars(value.text.data(), end, number).ptr != end)
      continue;
    if (reader.is_key("prompt_tokens")) out.input = number;
    if (reader.is_key("completion_tokens")) out.output = number;
    if (reader.is_key("total_tokens")) out.total = number;
    if (reader.is_key("cached_tokens")) out.cached_input = number;
    if (reader.is_key("cache_creation_input_tokens") || reader.is_key("cache_write_tokens"))
      out.cache_creation_input = number;
    if (reader.is_key("reasoning_tokens")) out.reasoning = number;
  }
}

}  // namespace

std::string id_suffix(std::string_view upstream_id, std::int64_t created) {
  constexpr std::size_t max_size = 64;
  constexpr std::string_view prefix = "chatcmpl-";
  if (upstream_id.starts_with(prefix)) upstream_id.remove_prefix(prefix.size());
  if (upstream_id.empty()) return std::to_string(created);
  std::string out{upstream_id.substr(0, max_size)};
  for (char& c : out) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_plain = is_letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!is_plain) c = '_';
  }
  return out;
}

std::string item_id(const response_item& item, std::string_view suffix, std::size_t index) {
  std::string out = item.what == response_item::kind::message     ? "msg_"
                    : item.what == response_item::kind::reasoning ? "rs_"
                                                                  : "fc_";
  out.append(suffix);
  return out.append("_").append(std::to_string(index));
}

void append_part(std::string& out, const response_part& part) {
  switch (part.what) {
    case response_part::kind::text:
      out += R"({"type":"output_text","text":)";
      append_quoted(out, part.text);
      out.append(R"(,"annotations":[)").append(part.annotations);
      out.append(R"(],"logprobs":[)").append(part.logprobs).append("]}");
      return;
    case response_part::kind::refusal:
      out += R"({"type":"refusal","refusal":)";
      break;
    case response_part::kind::reasoning:
      out += R"({"type":"reasoning_text","text":)";
      break;
  }
  append_quoted(out, part.text);
  out += "}";
}

void append_item(std::string& out, const response_item& item, std::string_view status,
                 bool is_empty) {
  out.append(R"({"id":")").append(item.id).append(R"(","type":)");
  switch (item.what) {
    case response_item::kind::reasoning:
      out += R"("reasoning","summary":[],"content":)";
      append_parts(out, item, is_empty);
      if (!item.sealed.empty() && !is_empty) {
        out += R"(,"encrypted_content":)";
        append_quoted(out, item.sealed);
      }
      break;
    case response_item::kind::message:
      out += R"("message","role":"assistant","content":)";
      append_parts(out, item, is_empty);
      break;
    case response_item::kind::call:
      out += R"("function_call","call_id":)";
      append_quoted(out, item.call_id);
      out += R"(,"name":)";
      append_quoted(out, item.name);
      out += R"(,"arguments":)";
      append_quoted(out, is_empty ? std::string_view{} : item.arguments);
      break;
  }
  out.append(R"(,"status":")").append(status).append(R"("})");
}

void append_response(std::string& out, const response_frame& frame, const response_state& state,
                     const std::vector<response_item>* items) {
  out.append(R"({"id":"resp_)").append(frame.suffix);
  out.append(R"(","object":"response","created_at":)").append(std::to_string(frame.created));
  out.append(R"(,"status":")").append(state.status).append(R"(","error":null)");
  out += R"(,"incomplete_details":)";
  if (state.incomplete_reason.empty())
    out += "null";
  else
    out.append(R"({"reason":")").append(state.incomplete_reason).append(R"("})");
  out += R"(,"model":)";
  append_quoted(out, frame.model);
  out += R"(,"output":[)";
  if (items != nullptr)
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i > 0) out += ",";
      append_item(out, (*items)[i], item_status(state, i, items->size()));
    }
  out.append("],").append(frame.echo).append(R"(,"service_tier":)");
  if (state.service_tier.empty())
    out += "null";
  else
    append_quoted(out, state.service_tier);
  out += R"(,"usage":)";
  append_response_usage(out, state.usage);
  out += "}";
}

response_state state_of_finish(std::string_view finish_reason) {
  response_state out;
  out.status = "completed";
  if (finish_reason == "length") out.incomplete_reason = "max_output_tokens";
  if (finish_reason == "content_filter") out.incomplete_reason = "content_filter";
  if (!out.incomplete_reason.empty()) out.status = "incomplete";
  return out;
}

std::string_view item_status(const response_state& state, std::size_t index, std::size_t count) {
  const bool is_cut = state.status == "incomplete" && index + 1 == count;
  return is_cut ? "incomplete" : "completed";
}

token_usage chat_usage(std::string_view usage_object) {
  token_usage out;
  read_numbers(out, usage_object);
  if (!out.total && out.input && out.output) out.total = *out.input + *out.output;
  return out;
}

std::string seal_thinking(std::string_view blocks_json) {
  return std::string{seal} + codec::base64_encode(blocks_json);
}

std::optional<json> unseal_thinking(std::string_view sealed) {
  if (!sealed.starts_with(seal)) return std::nullopt;
  const auto text = codec::base64_decode(sealed.substr(seal.size()));
  if (!text) return std::nullopt;
  auto blocks = parse_json(*text);
  if (!blocks || !blocks->is_array()) return std::nullopt;
  return blocks;
}

}  // namespace understudy::translate
