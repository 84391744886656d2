#include <atomic>

#include <understudy/codec/event_stream.hpp>

#include "demo/answer.hpp"
#include "demo/conversation.hpp"
#include "demo/json.hpp"

namespace understudy::demo {
namespace {

answer error(int status, std::string_view type, std::string_view message) {
  const json body{{"message", message}};
  return {status,
          {{"content-type", "application/json"}, {"x-amzn-errortype", std::string{type}}},
          {body.dump()},
          false};
}

/// Present and well formed; whether it is right only AWS can tell.
bool is_signed(const question& asked) {
  const auto authorization = asked.field("authorization");
  return authorization.starts_with("AWS4-HMAC-SHA256 Credential=") &&
         authorization.find("/aws4_request") != std::string_view::npos &&
         authorization.find("SignedHeaders=") != std::string_view::npos &&
         authorization.find("Signature=") != std::string_view::npos &&
         !asked.field("x-amz-date").empty();
}

conversation read_converse(const json& body) {
  conversation talk;
  for (const auto& message : at(body, "messages")) {
    if (text_at(message, "role") != "user") continue;
    std::string text;
    talk.has_tool_result = false;
    for (const auto& block : at(message, "content")) {
      text += text_at(block, "text");
      if (!at(block, "toolResult").is_null()) talk.has_tool_result = true;
    }
    if (!text.empty()) talk.last_user_text = text;
  }
  for (const auto& tool : at(at(body, "toolConfig"), "tools"))
    if (talk.first_tool.empty()) talk.first_tool = text_at(at(tool, "toolSpec"), "name");
  return talk;
}

std::string next_id(std::string_view prefix) {
  static std::atomic<std::uint64_t> count{0};
  return std::string{prefix} + std::to_string(++count);
}

json converse_usage(const question& asked, std::string_view text) {
  const auto input = asked.body.size() / 4 + 1;
  const auto output = text.size() / 4 + 1;
  return {{"inputTokens", input}, {"outputTokens", output}, {"totalTokens", input + output}};
}

answer converse(const question& asked, const json& body, std::string_view who) {
  const auto talk = read_converse(body);
  const bool is_tool = wants_tool(talk);
  const auto text = is_tool ? std::string{tool_arguments} : reply_text(talk, who);
  json block;
  if (is_tool)
    block["toolUse"] = {{"toolUseId", next_id("tooluse_demo_")},
                        {"name", talk.first_tool},
                        {"input", json::parse(tool_arguments)}};
  else
    block["text"] = text;
  const json message{{"role", "assistant"}, {"content", json::array({block})}};
  const json whole{{"output", {{"message", message}}},
                   {"stopReason", is_tool ? "tool_use" : "end_turn"},
                   {"usage", converse_usage(asked, text)},
                   {"metrics", {{"latencyMs", 12}}}};
  return {200,
          {{"content-type", "application/json"}, {"x-amzn-requestid", next_id("demo-")}},
          {whole.dump()},
          false};
}

answer converse_stream(const question& asked, const json& body, std::string_view who) {
  const auto talk = read_converse(body);
  const bool is_tool = wants_tool(talk);
  const auto text = is_tool ? std::string{tool_arguments} : reply_text(talk, who);
  answer out{200,
             {{"content-type", std::string{codec::event_stream_content_type}},
              {"x-amzn-requestid", next_id("demo-")}},
             {},
             true};
  const auto emit = [&](std::string_view event, const json& payload) {
    codec::append_json_event(out.pieces.emplace_back(), event, payload.dump());
  };
  const auto delta = [&](const json& part) {
    emit("contentBlockDelta", {{"contentBlockIndex", 0}, {"delta", part}});
  };
  emit("messageStart", {{"role", "assistant"}});
  if (is_tool) {
    const json use{{"toolUseId", next_id("tooluse_demo_")}, {"name", talk.first_tool}};
    emit("contentBlockStart", {{"contentBlockIndex", 0}, {"start", {{"toolUse", use}}}});
    delta({{"toolUse", {{"input", text}}}});
  } else {
    for (const auto& word : words(text)) delta({{"text", word}});
  }
  emit("contentBlockStop", {{"contentBlockIndex", 0}});
  emit("messageStop", {{"stopReason", is_tool ? "tool_use" : "end_turn"}});
  emit("metadata", {{"usage", converse_usage(asked, text)}, {"metrics", {{"latencyMs", 12}}}});
  return out;
}

}  // namespace

answer answer_bedrock(const question& asked, std::string_view who) {
  if (!is_signed(asked))
    return error(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
  if (asked.method != "POST" || !asked.target.starts_with("/model/"))
    return error(404, "UnknownOperationException", "no such operation");
  const auto body = json::parse(asked.body, nullptr, false);
  if (!body.is_object()) return error(400, "SerializationException", "the body is no JSON object");
  if (at(body, "messages").empty())
    return error(400, "ValidationException", "a conversation must start with a user message");
  if (asked.target.ends_with("/converse-stream")) return converse_stream(asked, body, who);
  if (asked.target.ends_with("/converse")) return converse(asked, body, who);
  return error(404, "UnknownOperationException", "no such operation");
}

}  // namespace understudy::demo
