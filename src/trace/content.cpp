#include "trace/content.hpp"

#include <understudy/codec/json_scan.hpp>

#include "trace/encoders.hpp"

namespace understudy::trace {
namespace {

constexpr std::string_view redacted = "__REDACTED__";
constexpr std::size_t max_value_bytes = std::size_t{64} << 10;
constexpr std::size_t max_messages = 128;

std::string_view shown(bool is_hidden, std::string_view text) {
  return is_hidden ? redacted : cut_text(text, max_value_bytes);
}

bool is_json(std::string_view body) {
  const auto at = body.find_first_not_of(" \t\r\n");
  return at != body.npos && (body[at] == '{' || body[at] == '[');
}

// ---- OpenInference ------------------------------------------------------------------------

void set_messages(span& out, std::string_view prefix, const std::vector<chat_message>& all,
                  bool hides_text) {
  std::size_t number = 0;
  for (const auto& m : all) {
    if (number == max_messages) return;
    const auto base = std::string{prefix} + std::to_string(number++) + ".message.";
    out.set(out.keep(base + "role"), out.keep(m.role));
    if (!m.text.empty()) out.set(out.keep(base + "content"), shown(hides_text, out.keep(m.text)));
    std::size_t call = 0;
    for (const auto& c : m.calls) {
      const auto at = base + "tool_calls." + std::to_string(call++) + ".tool_call.function.";
      out.set(out.keep(at + "name"), out.keep(c.name));
      out.set(out.keep(at + "arguments"), shown(hides_text, out.keep(c.arguments)));
    }
  }
}

void add_openinference(span& out, const content_rules& rules, const exchange_record& record,
                       const exchange_bodies& bodies) {
  if (rules.has_inputs && !bodies.request.empty()) {
    const bool is_hidden =
        rules.hides_inputs || rules.hides_input_messages || rules.hides_input_text;
    out.set("input.value", shown(is_hidden, bodies.request));
    if (!is_hidden)
      out.set("input.mime_type", is_json(bodies.request) ? "application/json" : "text/plain");
    if (!rules.hides_inputs && !rules.hides_input_messages)
      set_messages(out, "llm.input_messages.", read_input(record.op, bodies.request),
                   rules.hides_input_text);
  }
  if (!rules.has_outputs || bodies.answer.empty()) return;
  const auto said = read_output(record.op, bodies.answer);
  const bool is_hidden =
      rules.hides_outputs || rules.hides_output_messages || rules.hides_output_text;
  if (is_json(bodies.answer)) {
    out.set("output.value", shown(is_hidden, bodies.answer));
    if (!is_hidden) out.set("output.mime_type", "application/json");
  } else if (!said.empty()) {
    out.set("output.value", shown(is_hidden, out.keep(said.front().text)));
    if (!is_hidden) out.set("output.mime_type", "text/plain");
  }
  if (!rules.hides_outputs && !rules.hides_output_messages)
    set_messages(out, "llm.output_messages.", said, rules.hides_output_text);
}

// ---- OpenTelemetry ------------------------------------------------------------------------

void append_parts(std::string& out, const chat_message& m) {
  out += '[';
  if (!m.text.empty()) {
    out += R"({"type":"text","content":)";
    codec::append_json_string(out, cut_text(m.text, max_value_bytes));
    out += '}';
  }
  for (const auto& c : m.calls) {
    out.append(out.back() == '[' ? "" : ",").append(R"({"type":"tool_call","name":)");
    codec::append_json_string(out, c.name);
    out += R"(,"arguments":)";
    codec::append_json_string(out, cut_text(c.arguments, max_value_bytes));
    out += '}';
  }
  out += ']';
}

std::string messages_json(const std::vector<chat_message>& all, bool is_answer) {
  std::string out = "[";
  for (const auto& m : all) {
    if (!is_answer && m.role == "system") continue;
    if (out.size() > max_value_bytes) break;
    out.append(out.size() == 1 ? "" : ",").append(R"({"role":)");
    codec::append_json_string(out, m.role);
    out += R"(,"parts":)";
    append_parts(out, m);
    if (is_answer) {
      out += R"(,"finish_reason":)";
      codec::append_json_string(out, m.finish_reason);
    }
    out += '}';
  }
  return out += ']';
}

void add_gen_ai(span& out, const content_rules& rules, const exchange_record& record,
                const exchange_bodies& bodies) {
  if (rules.has_inputs) {
    const auto asked = read_input(record.op, bodies.request);
    if (!asked.empty()) out.set("gen_ai.input.messages", out.keep(messages_json(asked, false)));
    if (!asked.empty() && asked.front().role == "system") {
      std::string system;
      append_parts(system, asked.front());
      out.set("gen_ai.system_instructions", out.keep(std::move(system)));
    }
  }
  if (!rules.has_outputs || bodies.answer.empty()) return;
  const auto said = read_output(record.op, bodies.answer);
  if (!said.empty()) out.set("gen_ai.output.messages", out.keep(messages_json(said, true)));
}

}  // namespace

void add_content(span& out, const request_trace& of, const exchange_record& record,
                 const exchange_bodies& bodies) {
  const auto& rules = of.by->content;
  if (!rules.has_inputs && !rules.has_outputs) return;
  if (of.by->names == convention::openinference)
    add_openinference(out, rules, record, bodies);
  else
    add_gen_ai(out, rules, record, bodies);
}

}  // namespace understudy::trace
