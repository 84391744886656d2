#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/sse.hpp>

#include "trace/content.hpp"

// What the dialects of clients call a message. Everything is optional: what can't be read is
// simply not told.
namespace understudy::trace {
namespace {

using codec::json_kind;
using codec::json_reader;
using codec::json_value;
using translate::operation;

constexpr std::size_t max_choices = 16;

std::string text_of(const json_value& value) {
  return value.kind == json_kind::string ? codec::unescape_json(value.raw_string()) : std::string{};
}

std::string member_text(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  return found ? text_of(*found) : std::string{};
}

template <class Visit>
void each_element(const json_value& list, Visit&& visit) {
  if (list.kind != json_kind::array) return;
  for (json_reader reader{list.text}; reader.next();) visit(reader.value());
}

void add_line(std::string& to, const std::string& text) {
  if (text.empty()) return;
  if (!to.empty()) to += '\n';
  to += text;
}

void add_function(chat_message& to, std::string_view holder) {
  to.calls.push_back({member_text(holder, "name"), member_text(holder, "arguments")});
}

/// A part of a message: OpenAI's `text`, `input_text`, `output_text`; Anthropic's blocks.
void add_part(chat_message& to, const json_value& part) {
  if (part.kind == json_kind::string) return add_line(to.text, text_of(part));
  if (part.kind != json_kind::object) return;
  const auto type = member_text(part.text, "type");
  if (type == "tool_use") {
    const auto input = codec::find_member(part.text, "input");
    to.calls.push_back(
        {member_text(part.text, "name"), std::string{input ? input->text : std::string_view{}}});
  } else if (type == "tool_result") {
    const auto content = codec::find_member(part.text, "content");
    if (content) add_line(to.text, text_of(*content));
  } else {
    add_line(to.text, member_text(part.text, "text"));
  }
}

void add_content_of(chat_message& to, const json_value& content) {
  if (content.kind == json_kind::string) return add_line(to.text, text_of(content));
  each_element(content, [&](const json_value& part) { add_part(to, part); });
}

chat_message read_message(std::string_view object) {
  chat_message out;
  out.role = member_text(object, "role");
  if (const auto content = codec::find_member(object, "content")) add_content_of(out, *content);
  if (const auto calls = codec::find_member(object, "tool_calls"))
    each_element(*calls, [&](const json_value& call) {
      if (const auto function = codec::find_member(call.text, "function"))
        if (function->kind == json_kind::object) add_function(out, function->text);
    });
  return out;
}

void add_system(std::vector<chat_message>& to, std::string_view body, std::string_view name) {
  const auto system = codec::find_member(body, name);
  if (!system) return;
  chat_message message;
  message.role = "system";
  add_content_of(message, *system);
  if (!message.text.empty()) to.push_back(std::move(message));
}

void add_messages(std::vector<chat_message>& to, const json_value& list) {
  each_element(list, [&](const json_value& one) {
    if (one.kind == json_kind::object)
      to.push_back(read_message(one.text));
    else if (one.kind == json_kind::string)
      to.push_back({"user", text_of(one), {}, {}});
  });
}

// ---- answers ------------------------------------------------------------------------------

class output_reader {
 public:
  explicit output_reader(operation op) : op_{op} {}

  void read_document(std::string_view body) {
    if (op_ == operation::messages) {
      auto& message = at(0);
      message = read_message(body);
      message.finish_reason = member_text(body, "stop_reason");
    } else if (op_ == operation::responses) {
      read_items(body);
    } else {
      read_choices(body);
    }
  }

  void read_event(const codec::sse_event& event) {
    if (op_ == operation::messages) return read_anthropic_event(event.data);
    if (op_ == operation::responses) return read_responses_event(event.data);
    read_choices(event.data);
  }

  std::vector<chat_message> take() { return std::move(messages_); }

 private:
  chat_message& at(std::size_t number) {
    number = std::min(number, max_choices - 1);
    while (messages_.size() <= number) messages_.emplace_back().role = "assistant";
    return messages_[number];
  }

  void read_choices(std::string_view body) {
    const auto choices = codec::find_member(body, "choices");
    if (!choices) return;
    each_element(*choices, [&](const json_value& choice) {
      if (choice.kind == json_kind::object) read_choice(choice.text);
    });
  }

  void read_choice(std::string_view choice) {
    const auto index = codec::find_member(choice, "index");
    auto& to =
        at(index && index->text.size() == 1 ? static_cast<std::size_t>(index->text[0] - '0') : 0);
    to.text += member_text(choice, "text");
    auto reason = member_text(choice, "finish_reason");
    if (!reason.empty()) to.finish_reason = std::move(reason);
    if (const auto message = codec::find_member(choice, "message")) {
      auto whole = read_message(message->text);
      to.text += whole.text;
      to.calls = std::move(whole.calls);
    }
    const auto delta = codec::find_member(choice, "delta");
    if (!delta || delta->kind != json_kind::object) return;
    to.text += member_text(delta->text, "content");
    if (const auto calls = codec::find_member(delta->text, "tool_calls"))
      each_element(*calls, [&](const json_value& call) { add_call_delta(to, call.text); });
  }

  static void add_call_delta(chat_message& to, std::string_view call) {
    const auto function = codec::find_member(call, "function");
    if (!function || function->kind != json_kind::object) return;
    auto name = member_text(function->text, "name");
    if (!name.empty() || to.calls.empty()) to.calls.push_back({std::move(name), {}});
    to.calls.back().arguments += member_text(function->text, "arguments");
  }

  void read_anthropic_event(std::string_view data) {
    auto& to = at(0);
    if (const auto block = codec::find_member(data, "content_block"))
      if (member_text(block->text, "type") == "tool_use")
        to.calls.push_back({member_text(block->text, "name"), {}});
    const auto delta = codec::find_member(data, "delta");
    if (!delta || delta->kind != json_kind::object) return;
    to.text += member_text(delta->text, "text");
    if (!to.calls.empty()) to.calls.back().arguments += member_text(delta->text, "partial_json");
    auto reason = member_text(delta->text, "stop_reason");
    if (!reason.empty()) to.finish_reason = std::move(reason);
  }

  void read_items(std::string_view response) {
    auto& to = at(0);
    to.finish_reason = member_text(response, "status");
    const auto items = codec::find_member(response, "output");
    if (!items) return;
    each_element(*items, [&](const json_value& item) {
      if (item.kind != json_kind::object) return;
      if (member_text(item.text, "type") == "function_call") return add_function(to, item.text);
      if (const auto content = codec::find_member(item.text, "content"))
        add_content_of(to, *content);
    });
  }

  /// The last event has all of it.
  void read_responses_event(std::string_view data) {
    const auto type = member_text(data, "type");
    if (type != "response.completed" && type != "response.incomplete") return;
    if (const auto response = codec::find_member(data, "response"))
      if (response->kind == json_kind::object) read_items(response->text);
  }

  operation op_;
  std::vector<chat_message> messages_;
};

}  // namespace

std::vector<chat_message> read_input(operation op, std::string_view body) {
  std::vector<chat_message> out;
  const auto add_list = [&](std::string_view name) {
    const auto found = codec::find_member(body, name);
    if (!found) return;
    if (found->kind == json_kind::string)
      out.push_back({"user", text_of(*found), {}, {}});
    else
      add_messages(out, *found);
  };
  switch (op) {
    case operation::messages:
    case operation::count_tokens:
      add_system(out, body, "system");
      add_list("messages");
      break;
    case operation::responses:
    case operation::responses_input_tokens:
      add_system(out, body, "instructions");
      add_list("input");
      break;
    case operation::completions:
      add_list("prompt");
      break;
    case operation::embeddings:
      add_list("input");
      break;
    default:
      add_list("messages");
      break;
  }
  return out;
}

std::vector<chat_message> read_output(operation op, std::string_view body) {
  const bool is_conversation = op == operation::chat_completions || op == operation::completions ||
                               op == operation::messages || op == operation::responses;
  if (!is_conversation) return {};
  output_reader reader{op};
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first != body.npos && body[first] == '{') {
    if (!codec::check_json(body)) reader.read_document(body);
    return reader.take();
  }
  codec::sse_scanner scanner;
  codec::sse_event event;
  while (scanner.next(body, event) == codec::sse_scanner::step::event) reader.read_event(event);
  return reader.take();
}

}  // namespace understudy::trace
