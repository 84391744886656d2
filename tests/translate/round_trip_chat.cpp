// The OpenAI side of the round trips.
#include "golden.hpp"
#include "round_trip_generator.hpp"

namespace understudy::translate_test {
namespace {

json image_part(generator& make) {
  const auto* url = make.maybe() ? "data:image/png;base64,iVBORw0KGgo=" : "https://h.example/a.png";
  return {{"type", "image_url"}, {"image_url", {{"url", url}}}};
}

json file_part() {
  return {
      {"type", "file"},
      {"file", {{"filename", "a.pdf"}, {"file_data", "data:application/pdf;base64,JVBERi0xLjQ="}}}};
}

json user_content(generator& make) {
  if (make.maybe()) return make.text();
  json parts = json::array();
  for (auto more = 1 + make.below(3); more > 0; --more) {
    const auto kind = make.below(4);
    if (kind == 0)
      parts.push_back(image_part(make));
    else if (kind == 1)
      parts.push_back(file_part());
    else
      parts.push_back({{"type", "text"}, {"text", make.text()}});
  }
  return parts;
}

json call(generator& make, std::size_t index) {
  return {{"id", make.id("call_") + "_" + std::to_string(index)},
          {"type", "function"},
          {"function",
           {{"name", "tool_" + std::to_string(make.below(3))},
            {"arguments", make.arguments().dump()}}}};
}

json calls(generator& make) {
  json out = json::array();
  for (auto more = 1 + make.below(3); more > 0; --more) out.push_back(call(make, out.size()));
  return out;
}

void add_turn(generator& make, json& messages) {
  messages.push_back({{"role", "user"}, {"content", user_content(make)}});
  json answer{{"role", "assistant"}, {"content", make.text()}};
  if (make.maybe()) {
    answer["tool_calls"] = calls(make);
    if (make.maybe()) answer["content"] = nullptr;
  }
  messages.push_back(answer);
  if (answer.contains("tool_calls"))
    for (const auto& c : answer["tool_calls"])
      messages.push_back({{"role", "tool"}, {"tool_call_id", c["id"]}, {"content", make.text()}});
}

void add_tools(generator& make, json& request) {
  for (int i = 0; i < 3; ++i) {
    json function{{"name", "tool_" + std::to_string(i)}, {"parameters", make.parameters()}};
    if (make.maybe()) function["description"] = make.text();
    request["tools"].push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  const auto choice = make.below(5);
  if (choice == 1) request["tool_choice"] = "auto";
  if (choice == 2) request["tool_choice"] = "required";
  if (choice == 3) request["tool_choice"] = "none";
  if (choice == 4)
    request["tool_choice"] = {{"type", "function"}, {"function", {{"name", "tool_1"}}}};
  // With no call at all there is nothing to say of several.
  if (choice != 3 && make.maybe(3)) request["parallel_tool_calls"] = false;
}

}  // namespace

json random_chat_request(generator& make) {
  json out{{"model", "m"}, {"messages", json::array()}};
  auto& messages = out["messages"];
  if (make.maybe()) messages.push_back({{"role", "system"}, {"content", make.text()}});
  for (auto more = make.below(4); more > 0; --more) add_turn(make, messages);
  messages.push_back({{"role", "user"}, {"content", user_content(make)}});
  add_tools(make, out);
  out["max_completion_tokens"] = 1 + make.below(5000);
  if (make.maybe()) out["temperature"] = 0.25 * static_cast<double>(make.below(5));
  if (make.maybe()) out["top_p"] = 0.5;
  if (make.maybe()) out["stop"] = {"END", make.text()};
  if (make.maybe()) out["user"] = make.id("user-");
  if (make.maybe()) out["service_tier"] = make.maybe() ? "auto" : "default";
  if (make.maybe()) {
    out["stream"] = true;
    out["stream_options"] = {{"include_usage", true}};
  }
  return out;
}

json chat_essence(json request) {
  // A choice that says what holds without it.
  if (request.value("tool_choice", json{}) == "auto") request.erase("tool_choice");
  for (auto& message : request["messages"]) {
    auto& content = message["content"];
    if (content.is_string()) content = json::array({{{"type", "text"}, {"text", content}}});
    if (!message.contains("tool_calls")) continue;
    for (auto& c : message["tool_calls"]) {
      auto& arguments = c["function"]["arguments"];
      arguments = json::parse(arguments.get<std::string>());
    }
  }
  return request;
}

json random_chat_answer(generator& make) {
  const bool has_calls = make.maybe();
  json message{{"role", "assistant"}, {"content", make.text()}};
  const char* reason = make.maybe(3) ? "length" : "stop";
  if (!has_calls && make.maybe(4)) reason = "content_filter";
  if (has_calls) {
    message["tool_calls"] = calls(make);
    if (make.maybe()) message["content"] = nullptr;
    if (std::string_view{reason} == "stop") reason = "tool_calls";
  }
  if (make.maybe(3)) message["reasoning_content"] = make.text();
  const auto cached = make.below(50), input = cached + make.below(500);
  const auto thought = make.below(20), output = thought + make.below(90);
  json out{
      {"id", make.id("chatcmpl-")},
      {"object", "chat.completion"},
      {"model", "told"},
      {"choices", {{{"index", 0}, {"message", std::move(message)}, {"finish_reason", reason}}}},
      {"usage",
       {{"prompt_tokens", input},
        {"completion_tokens", output},
        {"total_tokens", input + output}}}};
  if (make.maybe()) out["usage"]["prompt_tokens_details"] = {{"cached_tokens", cached}};
  if (make.maybe()) out["usage"]["completion_tokens_details"] = {{"reasoning_tokens", thought}};
  if (make.maybe(3)) out["service_tier"] = "default";
  return out;
}

json chat_answer_essence(const json& answer) {
  auto out = answer["choices"][0]["message"];
  out.erase("thinking_blocks");  // which repeat the reasoning's text
  if (out["content"].is_null()) out["content"] = "";
  if (out.contains("tool_calls"))
    for (auto& c : out["tool_calls"]) {
      auto& arguments = c["function"]["arguments"];
      arguments = json::parse(arguments.get<std::string>());
    }
  return {{"message", std::move(out)},
          {"model", answer["model"]},
          {"finish_reason", answer["choices"][0]["finish_reason"]},
          {"service_tier", answer.value("service_tier", "")},
          {"usage", answer["usage"]}};
}

namespace {

struct chunk_writer {
  json frame;
  std::string out;

  void chunk(json delta, const json& finish_reason = nullptr) {
    auto one = frame;
    one["choices"] = {
        {{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", finish_reason}}};
    out += "data: " + one.dump() + "\n\n";
  }
};

void write_calls(const json& calls, generator& make, chunk_writer& to) {
  int index = 0;
  for (auto c : calls) {
    const auto arguments = c["function"]["arguments"].get<std::string>();
    c["index"] = index;
    c["function"]["arguments"] = "";
    to.chunk({{"tool_calls", json::array({c})}});
    for (const auto& piece : make.cut(arguments))
      to.chunk({{"tool_calls", {{{"index", index}, {"function", {{"arguments", piece}}}}}}});
    ++index;
  }
}

void add_text(const json& delta, const char* name, json& message) {
  const auto text = delta.value(name, json{});
  if (text.is_string() && !text.get_ref<const std::string&>().empty())
    message[name] = message.value(name, "") + text.get<std::string>();
}

void add_calls(const json& delta, json& message) {
  for (const auto& c : delta.value("tool_calls", json::array())) {
    auto& calls = message["tool_calls"];
    const auto index = c["index"].get<std::size_t>();
    if (calls.size() <= index)
      calls[index] = c;
    else
      calls[index]["function"]["arguments"] =
          calls[index]["function"]["arguments"].get<std::string>() +
          c["function"]["arguments"].get<std::string>();
    calls[index].erase("index");
  }
}

}  // namespace

std::string chat_stream_of(const json& answer, generator& make) {
  chunk_writer to;
  to.frame = {{"id", answer["id"]},
              {"object", "chat.completion.chunk"},
              {"created", 1},
              {"model", answer["model"]}};
  if (answer.contains("service_tier")) to.frame["service_tier"] = answer["service_tier"];
  const auto& choice = answer["choices"][0];
  const auto& message = choice["message"];
  to.chunk({{"role", "assistant"}, {"content", ""}});
  for (const auto& piece : make.cut(message.value("reasoning_content", "")))
    to.chunk({{"reasoning_content", piece}});
  if (message["content"].is_string())
    for (const auto& piece : make.cut(message["content"].get<std::string>()))
      to.chunk({{"content", piece}});
  if (message.contains("tool_calls")) write_calls(message["tool_calls"], make, to);
  to.chunk(json::object(), choice["finish_reason"]);
  auto last = to.frame;
  last["choices"] = json::array();
  last["usage"] = answer["usage"];
  return to.out + "data: " + last.dump() + "\n\ndata: [DONE]\n\n";
}

json chat_answer_of_stream(std::string_view stream) {
  json out{{"choices", {{{"message", {{"role", "assistant"}, {"content", ""}}}}}}};
  bool has_ended = false;
  for (const auto& event : sse_payloads(stream)) {
    if (has_ended) throw std::runtime_error{"an event behind the last"};
    has_ended = event.is_string();
    if (has_ended) continue;
    for (const char* name : {"id", "model"}) out[name] = event.at(name);
    if (event.contains("service_tier")) out["service_tier"] = event["service_tier"];
    if (event.contains("usage") && !event["usage"].is_null()) out["usage"] = event["usage"];
    for (const auto& choice : event.at("choices")) {
      auto& message = out["choices"][0]["message"];
      const auto& delta = choice.at("delta");
      add_text(delta, "content", message);
      add_text(delta, "reasoning_content", message);
      add_calls(delta, message);
      if (!choice["finish_reason"].is_null())
        out["choices"][0]["finish_reason"] = choice["finish_reason"];
    }
  }
  if (!has_ended) throw std::runtime_error{"a stream without its end"};
  return out;
}

}  // namespace understudy::translate_test
