#include <atomic>
#include <chrono>
#include <understudy/base/clock.hpp>

#include "demo/answer.hpp"
#include "demo/conversation.hpp"
#include "demo/json.hpp"

namespace understudy::demo {
namespace {

/// A string, or the text parts of a list of parts.
std::string content_text(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array())
    for (const auto& part : content) text += text_at(part, "text");
  return text;
}

conversation read_chat(const json& body) {
  conversation talk;
  for (const auto& message : at(body, "messages")) {
    const auto role = text_at(message, "role");
    if (role == "user") {
      talk.last_user_text = content_text(at(message, "content"));
      talk.has_tool_result = false;
    }
    if (role == "tool") talk.has_tool_result = true;
  }
  for (const auto& tool : at(body, "tools"))
    if (talk.first_tool.empty()) talk.first_tool = text_at(at(tool, "function"), "name");
  return talk;
}

struct header {
  std::string id;
  std::int64_t created;
  std::string model;
};

header make_header(const json& body) {
  static std::atomic<std::uint64_t> count{0};
  const auto now = base::wall_now().time_since_epoch();
  return {"chatcmpl-demo-" + std::to_string(++count),
          std::chrono::duration_cast<std::chrono::seconds>(now).count(), text_at(body, "model")};
}

json chat_usage(const question& asked, std::string_view text) {
  const auto input = asked.body.size() / 4 + 1;
  const auto output = text.size() / 4 + 1;
  return {
      {"prompt_tokens", input}, {"completion_tokens", output}, {"total_tokens", input + output}};
}

answer unary(const question& asked, const json& body, std::string_view who) {
  const auto talk = read_chat(body);
  const auto head = make_header(body);
  json message{{"role", "assistant"}, {"content", nullptr}};
  std::string text;
  if (wants_tool(talk)) {
    text = tool_arguments;
    message["tool_calls"] =
        json::array({{{"id", "call_" + head.id},
                      {"type", "function"},
                      {"function", {{"name", talk.first_tool}, {"arguments", text}}}}});
  } else {
    text = reply_text(talk, who);
    message["content"] = text;
  }
  const json whole{
      {"id", head.id},
      {"object", "chat.completion"},
      {"created", head.created},
      {"model", head.model},
      {"choices", json::array({{{"index", 0},
                                {"message", message},
                                {"finish_reason", wants_tool(talk) ? "tool_calls" : "stop"}}})},
      {"usage", chat_usage(asked, text)}};
  return {200, {{"content-type", "application/json"}}, {whole.dump()}, false};
}

answer stream(const question& asked, const json& body, std::string_view who) {
  const auto talk = read_chat(body);
  const auto head = make_header(body);
  answer out{200, {{"content-type", "text/event-stream"}, {"cache-control", "no-cache"}}, {}, true};
  const auto emit = [&](json choices, const json* usage = nullptr) {
    json chunk{{"id", head.id},
               {"object", "chat.completion.chunk"},
               {"created", head.created},
               {"model", head.model},
               {"choices", std::move(choices)}};
    if (usage != nullptr) chunk["usage"] = *usage;
    out.pieces.push_back("data: " + chunk.dump() + "\n\n");
  };
  const auto delta = [&](json part, json finish = nullptr) {
    emit(json::array(
        {{{"index", 0}, {"delta", std::move(part)}, {"finish_reason", std::move(finish)}}}));
  };
  std::string text;
  delta({{"role", "assistant"}, {"content", ""}});
  if (wants_tool(talk)) {
    text = tool_arguments;
    const json opening{{"index", 0},
                       {"id", "call_" + head.id},
                       {"type", "function"},
                       {"function", {{"name", talk.first_tool}, {"arguments", ""}}}};
    const json arguments{{"index", 0}, {"function", {{"arguments", text}}}};
    delta({{"tool_calls", json::array({opening})}});
    delta({{"tool_calls", json::array({arguments})}});
    delta(json::object(), "tool_calls");
  } else {
    text = reply_text(talk, who);
    for (auto& word : words(text)) delta({{"content", std::move(word)}});
    delta(json::object(), "stop");
  }
  if (at(at(body, "stream_options"), "include_usage") == true) {
    const auto usage = chat_usage(asked, text);
    emit(json::array(), &usage);
  }
  out.pieces.emplace_back("data: [DONE]\n\n");
  return out;
}

}  // namespace

answer openai_error(int status, std::string_view type, std::string_view message) {
  const json body{
      {"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}};
  return {status, {{"content-type", "application/json"}}, {body.dump()}, false};
}

answer answer_openai(const question& asked, std::string_view who) {
  if (asked.method != "POST" || !asked.target.ends_with("/chat/completions"))
    return openai_error(404, "invalid_request_error", "the simulated provider only chats");
  const auto body = json::parse(asked.body, nullptr, false);
  if (!body.is_object())
    return openai_error(400, "invalid_request_error", "the body is no JSON object");
  return at(body, "stream") == true ? stream(asked, body, who) : unary(asked, body, who);
}

}  // namespace understudy::demo
