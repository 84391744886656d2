#pragma once
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>
#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>
#include <understudy/translate/answer_watch.hpp>

/// Rows of tests/golden/answers/*.yaml: an answer in steps, and the stage behind each.
///   op, schema, stream (true), type (of the schema), fields: the exchange
///   steps: one of
///     raw: bytes                data: one server-sent event     event: [name, data]
///     frame: [type, json]       exception: [type, json]         chunk: Anthropic event in a frame
///     error: [code, message]    bad_crc: [type, json]           fill: [head, count, unit, tail]
///     with `stage` after it (the stage before is kept where it is absent) and `between` (true)
///   end: stage after the clean end of the body; `none` where the body is not ended
///   whole (of `end`), fault {status, type, code, says, unintelligible, policy}, usage, characters,
///   watching (true), filtered (false)
namespace understudy::translate_test {

inline std::string sse(std::string_view name, std::string_view data) {
  std::string out;
  if (!name.empty()) out.append("event: ").append(name).append("\n");
  return out.append("data: ").append(data).append("\n\n");
}

inline std::string pair(const YAML::Node& node, std::size_t i) { return node[i].as<std::string>(); }

inline std::string error_frame(const std::string& code, const std::string& message) {
  using codec::event_header;
  using codec::event_header_type;
  const std::array headers{event_header{":error-code", event_header_type::string, code, 0},
                           event_header{":error-message", event_header_type::string, message, 0},
                           event_header{":message-type", event_header_type::string, "error", 0}};
  std::string out;
  codec::append_event_message(out, headers, {});
  return out;
}

inline std::string bytes_of(const YAML::Node& step) {
  std::string out;
  if (const auto raw = step["raw"]) return raw.as<std::string>();
  if (const auto data = step["data"]) return sse({}, data.as<std::string>());
  if (const auto event = step["event"]) return sse(pair(event, 0), pair(event, 1));
  if (const auto error = step["error"]) return error_frame(pair(error, 0), pair(error, 1));
  if (const auto frame = step["frame"]) {
    codec::append_json_event(out, pair(frame, 0), pair(frame, 1));
  } else if (const auto bad = step["bad_crc"]) {
    codec::append_json_event(out, pair(bad, 0), pair(bad, 1));
    out.back() = static_cast<char>(out.back() ^ 1);
  } else if (const auto exception = step["exception"]) {
    codec::append_json_exception(out, pair(exception, 0), pair(exception, 1));
  } else if (const auto chunk = step["chunk"]) {
    const auto bytes = codec::base64_encode(chunk.as<std::string>());
    codec::append_json_event(out, "chunk", R"({"bytes":")" + bytes + R"(","p":"abcd"})");
  } else if (const auto fill = step["fill"]) {
    out = pair(fill, 0);
    for (std::size_t i = 0; i < fill[1].as<std::size_t>(); ++i) out += pair(fill, 2);
    out += pair(fill, 3);
  } else {
    throw std::runtime_error{"a step without bytes"};
  }
  return out;
}

inline translate::answer_stage stage_named(const std::string& name) {
  using enum translate::answer_stage;
  if (name == "preamble") return preamble;
  if (name == "content") return content;
  if (name == "finished") return finished;
  if (name == "failed") return failed;
  throw std::runtime_error{"no stage: " + name};
}

struct answer_step {
  std::string bytes;
  translate::answer_stage stage = translate::answer_stage::preamble;
  bool is_between = true;
};

inline translate::operation operation_named(const std::string& wanted) {
  for (int i = 0; i <= static_cast<int>(translate::operation::unknown); ++i)
    if (translate::name(static_cast<translate::operation>(i)) == wanted)
      return static_cast<translate::operation>(i);
  throw std::runtime_error{"no operation: " + wanted};
}

struct answer_row {
  YAML::Node node;
  std::string id;
  translate::operation op = translate::operation::unknown;
  translate::schema schema = translate::schema::openai;
  bool is_stream = true;
  std::string type;
  std::vector<answer_step> steps;
  bool has_end = true;
  translate::answer_stage end = translate::answer_stage::finished;
  bool is_whole = true;

  std::string body() const {
    std::string out;
    for (const auto& step : steps) out += step.bytes;
    return out;
  }

  void begin(translate::answer_watch& watch) const {
    codec::response_head head;
    head.status = 200;
    if (!type.empty()) head.fields.add("Content-Type", type);
    const auto coding = node["coding"].as<std::string>("");
    if (!coding.empty()) head.fields.add("content-encoding", coding);
    watch.begin(op, schema, is_stream, head);
  }
};

inline answer_row read_row(const YAML::Node& node) {
  answer_row row;
  row.node = node;
  row.id = node["id"].as<std::string>();
  row.op = operation_named(node["op"].as<std::string>());
  row.schema = *translate::schema_named(node["schema"].as<std::string>("OpenAI"));
  row.is_stream = node["stream"].as<bool>(true);
  const bool is_aws = row.schema == translate::schema::aws_bedrock ||
                      row.schema == translate::schema::aws_anthropic;
  const std::string stream_type =
      is_aws ? std::string{codec::event_stream_content_type} : "text/event-stream; charset=utf-8";
  row.type = node["type"].as<std::string>(row.is_stream ? stream_type : "application/json");
  auto stage = translate::answer_stage::preamble;
  for (const auto& step : node["steps"]) {
    if (step["stage"]) stage = stage_named(step["stage"].as<std::string>());
    row.steps.push_back({bytes_of(step), stage, step["between"].as<bool>(row.is_stream)});
  }
  const auto end = node["end"].as<std::string>("finished");
  row.has_end = end != "none";
  row.end = row.has_end ? stage_named(end) : stage;
  row.is_whole = node["whole"].as<bool>(row.end == translate::answer_stage::finished);
  return row;
}

inline std::vector<answer_row> read_rows(const std::string& file) {
  std::vector<answer_row> out;
  for (const auto& node : YAML::LoadFile(UNDERSTUDY_SOURCE_DIR "/tests/golden/answers/" + file))
    out.push_back(read_row(node));
  return out;
}

}  // namespace understudy::translate_test
