// The Anthropic side of the round trips.
#include "golden.hpp"
#include "round_trip_generator.hpp"

namespace understudy::translate_test {
namespace {

/// Makes the parts of one request or answer.
struct parts {
  generator& make;
  bool has_extras;

  json marked(json block) {
    if (has_extras && make.maybe(4)) block["cache_control"] = {{"type", "ephemeral"}};
    return block;
  }
  json text() { return marked({{"type", "text"}, {"text", make.text()}}); }

  json image() {
    if (make.maybe())
      return marked(
          {{"type", "image"}, {"source", {{"type", "url"}, {"url", "https://h.example/a.png"}}}});
    return marked(
        {{"type", "image"},
         {"source", {{"type", "base64"}, {"media_type", "image/png"}, {"data", "iVBORw0KGgo="}}}});
  }
  json document() {
    return marked(
        {{"type", "document"},
         {"title", "a.pdf"},
         {"source",
          {{"type", "base64"}, {"media_type", "application/pdf"}, {"data", "JVBERi0xLjQ="}}}});
  }
  json user_block() {
    const auto kind = make.below(4);
    if (kind == 0) return image();
    return kind == 1 ? document() : text();
  }

  void add_thinking(json& content) {
    if (!has_extras || make.maybe()) return;
    content.push_back(
        {{"type", "thinking"}, {"thinking", make.text()}, {"signature", make.id("c2ln")}});
    if (make.maybe(3))
      content.push_back({{"type", "redacted_thinking"}, {"data", make.id("ZGF0")}});
  }
  json tool_use(std::size_t index) {
    return {{"type", "tool_use"},
            {"id", make.id("toolu_") + "_" + std::to_string(index)},
            {"name", "tool_" + std::to_string(make.below(3))},
            {"input", make.arguments()}};
  }
  /// What a model says: thinking, text, calls.
  json said(bool has_calls) {
    json out = json::array();
    add_thinking(out);
    if (!has_calls || make.maybe()) out.push_back({{"type", "text"}, {"text", make.text()}});
    if (has_calls)
      for (auto more = 1 + make.below(3); more > 0; --more) out.push_back(tool_use(out.size()));
    return out;
  }
  json results_of(const json& said) {
    json out = json::array();
    for (const auto& block : said)
      if (block["type"] == "tool_use")
        out.push_back(marked(
            {{"type", "tool_result"}, {"tool_use_id", block["id"]}, {"content", make.text()}}));
    return out;
  }
};

void add_user(parts& make, json results, json& messages) {
  if (results.empty() && make.make.maybe()) {
    messages.push_back({{"role", "user"}, {"content", make.make.text()}});
    return;
  }
  auto more = make.make.below(3);
  if (results.empty()) ++more;
  for (; more > 0; --more) results.push_back(make.user_block());
  messages.push_back({{"role", "user"}, {"content", std::move(results)}});
}

void add_tools(parts& make, json& request) {
  for (int i = 0; i < 3; ++i) {
    json tool{{"name", "tool_" + std::to_string(i)}, {"input_schema", make.make.parameters()}};
    if (make.make.maybe()) tool["description"] = make.make.text();
    request["tools"].push_back(make.marked(std::move(tool)));
  }
  const auto choice = make.make.below(5);
  if (choice == 0) return;
  constexpr std::array<const char*, 5> types{"", "auto", "any", "none", "tool"};
  auto& made = request["tool_choice"] = {{"type", types[choice]}};
  if (choice == 4) made["name"] = "tool_1";
  if (choice != 3 && make.make.maybe(3)) made["disable_parallel_tool_use"] = true;
}

}  // namespace

json random_messages_request(generator& from, bool has_extras) {
  parts make{from, has_extras};
  json out{{"model", "m"}, {"max_tokens", 1 + from.below(5000)}, {"messages", json::array()}};
  if (from.maybe())
    out["system"] = from.text();
  else if (from.maybe())
    out["system"] = json::array({make.text(), make.text()});
  json results = json::array();
  for (auto more = from.below(4); more > 0; --more) {
    add_user(make, std::move(results), out["messages"]);
    auto said = make.said(from.maybe());
    results = make.results_of(said);
    out["messages"].push_back({{"role", "assistant"}, {"content", std::move(said)}});
  }
  add_user(make, std::move(results), out["messages"]);
  add_tools(make, out);
  if (from.maybe()) out["temperature"] = 0.25 * static_cast<double>(from.below(5));
  if (from.maybe()) out["top_p"] = 0.5;
  if (from.maybe()) out["stop_sequences"] = {"END", from.text()};
  if (from.maybe()) out["metadata"] = {{"user_id", from.id("user-")}};
  if (from.maybe()) out["service_tier"] = from.maybe() ? "auto" : "standard_only";
  if (has_extras && from.maybe()) out["thinking"] = {{"type", "enabled"}, {"budget_tokens", 1024}};
  if (from.maybe()) out["stream"] = true;
  return out;
}

/// A plain chat has one system text; what is marked stays apart.
static void join_plain(json& blocks) {
  std::string text;
  for (const auto& block : blocks) {
    if (block.contains("cache_control")) return;
    text += (text.empty() ? "" : "\n\n") + block["text"].get<std::string>();
  }
  blocks = json::array({{{"type", "text"}, {"text", text}}});
}

json messages_essence(json request) {
  const auto as_blocks = [](json& content) {
    if (content.is_string()) content = json::array({{{"type", "text"}, {"text", content}}});
  };
  if (request.contains("system")) {
    as_blocks(request["system"]);
    join_plain(request["system"]);
  }
  for (auto& message : request["messages"]) {
    as_blocks(message["content"]);
    for (auto& block : message["content"])
      if (block["type"] == "tool_result") as_blocks(block["content"]);
  }
  const auto choice = request.value("tool_choice", json{});
  if (choice == json{{"type", "auto"}}) request.erase("tool_choice");
  return request;
}

json random_message(generator& from, bool has_extras) {
  parts make{from, has_extras};
  const bool has_calls = from.maybe();
  const char* reason = has_calls ? "tool_use" : "end_turn";
  if (from.maybe(4)) reason = "max_tokens";
  if (!has_calls && from.maybe(4)) reason = "refusal";
  json usage{{"input_tokens", from.below(500)}, {"output_tokens", 20 + from.below(90)}};
  if (from.maybe()) usage["cache_read_input_tokens"] = from.below(50);
  if (from.maybe()) usage["cache_creation_input_tokens"] = from.below(50);
  if (from.maybe()) usage["output_tokens_details"] = {{"thinking_tokens", from.below(20)}};
  if (from.maybe()) usage["service_tier"] = "standard";
  return {{"id", from.id("msg_")},
          {"type", "message"},
          {"role", "assistant"},
          {"model", "told"},
          {"content", make.said(has_calls)},
          {"stop_reason", reason},
          {"stop_sequence", nullptr},
          {"usage", std::move(usage)}};
}

json message_essence(json message) {
  auto& usage = message["usage"];
  for (const char* name : {"cache_read_input_tokens", "cache_creation_input_tokens"})
    if (usage.value(name, 0) == 0) usage.erase(name);
  return message;
}

namespace {

struct event_writer {
  std::string out;

  void event(const char* type, json data) {
    data["type"] = type;
    out += std::string{"event: "} + type + "\ndata: " + data.dump() + "\n\n";
  }
  void delta(std::size_t index, json delta) {
    event("content_block_delta", {{"index", index}, {"delta", std::move(delta)}});
  }
};

void write_block(std::size_t index, json block, generator& make, event_writer& to) {
  const auto type = block["type"].get<std::string>();
  json deltas = json::array();
  const auto take = [&](const char* name, const char* delta, const std::string& whole) {
    for (const auto& piece : make.cut(whole)) deltas.push_back({{"type", delta}, {name, piece}});
  };
  if (type == "text") take("text", "text_delta", block["text"].get<std::string>());
  if (type == "thinking") {
    take("thinking", "thinking_delta", block["thinking"].get<std::string>());
    deltas.push_back({{"type", "signature_delta"}, {"signature", block["signature"]}});
    block["signature"] = "";
  }
  if (type == "tool_use" && !block["input"].empty())
    take("partial_json", "input_json_delta", block["input"].dump());
  if (block.contains(type)) block[type] = "";
  if (type == "tool_use") block["input"] = json::object();
  to.event("content_block_start", {{"index", index}, {"content_block", std::move(block)}});
  if (make.maybe(4)) to.event("ping", json::object());
  for (auto& delta : deltas) to.delta(index, std::move(delta));
  to.event("content_block_stop", {{"index", index}});
}

/// Adds a delta to its block; arguments as text until the block's end.
void take_delta(const json& delta, json& block) {
  for (const char* name : {"text", "thinking", "signature", "partial_json"})
    if (delta.contains(name)) block[name] = block.value(name, "") + delta[name].get<std::string>();
}

void end_block(json& block) {
  if (!block.contains("partial_json")) return;
  block["input"] = json::parse(block["partial_json"].get<std::string>());
  block.erase("partial_json");
}

}  // namespace

std::string message_stream_of(const json& message, generator& make) {
  event_writer to;
  auto opening = message;
  opening["content"] = json::array();
  opening["stop_reason"] = nullptr;
  opening["usage"]["output_tokens"] = 1;
  opening["usage"].erase("output_tokens_details");
  to.event("message_start", {{"message", std::move(opening)}});
  std::size_t index = 0;
  for (const auto& block : message["content"]) write_block(index++, block, make, to);
  json usage{{"output_tokens", message["usage"]["output_tokens"]}};
  if (message["usage"].contains("output_tokens_details"))
    usage["output_tokens_details"] = message["usage"]["output_tokens_details"];
  to.event("message_delta",
           {{"delta", {{"stop_reason", message["stop_reason"]}, {"stop_sequence", nullptr}}},
            {"usage", std::move(usage)}});
  to.event("message_stop", json::object());
  return to.out;
}

json message_of_stream(std::string_view stream) {
  json out;
  bool has_ended = false;
  for (const auto& event : sse_events(stream)) {
    if (has_ended) throw std::runtime_error{"an event behind the last"};
    const auto name = event.at(0).get<std::string>();
    const auto& data = event.at(1);
    if (name == "message_start") out = data["message"];
    if (name == "content_block_start") {
      if (data["index"] != out["content"].size()) throw std::runtime_error{"a wrong index"};
      out["content"].push_back(data["content_block"]);
    }
    if (name == "content_block_delta")
      take_delta(data["delta"], out["content"][data["index"].get<std::size_t>()]);
    if (name == "content_block_stop") end_block(out["content"][data["index"].get<std::size_t>()]);
    if (name == "message_delta") {
      out.update(data["delta"]);
      out["usage"].update(data["usage"]);
    }
    has_ended = name == "message_stop";
  }
  if (!has_ended) throw std::runtime_error{"a stream without its end"};
  return out;
}

}  // namespace understudy::translate_test
