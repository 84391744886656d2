#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

/// Events of OpenAI's Responses API, and of the operations whose streams have typed events.
namespace understudy::translate {
namespace {

constexpr std::string_view prefix = "response.";

/// The events that end an answer carry all of it, and so does the name in front of them.
bool is_end(std::string_view type) {
  return type == "response.completed" || type == "response.incomplete" ||
         type == "response.failed" || type == "response.cancelled" || type == "error";
}

bool is_preamble(std::string_view type) {
  return !type.starts_with(prefix) || type == "response.created" ||
         type == "response.in_progress" || type == "response.queued" ||
         type == "response.content_part.added" || type == "response.reasoning_summary_part.added";
}

/// `"type":"response.output_text.delta"` as it stands at the begin of an object, or empty.
std::string_view leading_type(std::string_view object) {
  constexpr std::string_view opening = R"({"type":)";
  if (!object.starts_with(opening)) return {};
  object.remove_prefix(opening.size());
  if (object.starts_with(' ')) object.remove_prefix(1);
  if (!object.starts_with('"')) return {};
  object.remove_prefix(1);
  const auto quote = object.substr(0, 80).find('"');
  return quote == std::string_view::npos ? std::string_view{} : object.substr(0, quote);
}

/// Once content has come: true for an event that needs no strict reading.
bool pass_ordinary_response_event(answer_progress& progress, std::string_view type,
                                  std::string_view object) {
  if (!type.starts_with(prefix)) type = leading_type(object);
  if (type.empty() || is_end(type)) return false;
  if (!type.ends_with(".delta")) return true;
  const char* end = object.data() + object.size();
  std::uint64_t characters = 0;
  all_keys(object, [&](const char* quote, const char* value) {
    if (!ends_with(object.data(), quote, "\"delta")) return true;
    characters = characters_of(value, end);
    return false;
  });
  progress.on_content(characters);
  return true;
}

void read_failed(answer_progress& progress, std::string_view object) {
  const auto response = nested(object, "response");
  if (const auto error = nested(response, "error"); error.starts_with('{'))
    report_error(progress, error, response);
  else
    progress.on_fault(fault_named("server_error", "the response failed"));
}

void read_end(answer_progress& progress, std::string_view type, std::string_view object) {
  if (type == "error") {
    report_error_event(progress, type, object);
  } else if (type == "response.failed" || type == "response.cancelled") {
    read_failed(progress, object);
  } else {
    const auto response = nested(object, "response");
    read_identity(progress, response, "model", "id");
    if (const auto usage = nested(response, "usage"); usage.starts_with('{'))
      read_usage(progress.usage, usage);
    if (type == "response.completed") progress.on_reason(0, "completed");
    progress.on_finish(raw_text(nested(response, "incomplete_details"), "reason"));
  }
}

void read_response_event(answer_progress& progress, std::string_view type,
                         std::string_view object) {
  if (type == "response.output_item.added") {
    const auto kind = raw_text(nested(object, "item"), "type");
    if (kind != "message" && kind != "reasoning") progress.on_content();
  } else if (type.ends_with(".delta")) {
    const auto delta = codec::find_member(object, "delta");
    if (delta && !says_something(*delta)) return;
    const bool is_text = delta && delta->kind == codec::json_kind::string;
    progress.on_content(is_text ? count_characters(delta->raw_string()) : 0);
  } else if (!is_preamble(type)) {
    progress.on_content();
  } else {
    read_identity(progress, nested(object, "response"), "model", "id");
  }
}

}  // namespace

void watch_responses(answer_progress& progress, std::string_view type, std::string_view data) {
  const auto object = object_in(data);
  if (object.empty()) {
    if (type == "error") report_named_error(progress, data);
    return;
  }
  if (progress.has_content() && pass_ordinary_response_event(progress, type, object)) return;
  if (codec::check_json(object)) {
    if (is_end(type) && type.starts_with(prefix)) return watch_large_responses(progress, type, {});
    return report_malformed(progress);
  }
  if (const auto inner = raw_text(object, "type"); !inner.empty()) type = inner;
  if (is_end(type)) return read_end(progress, type, object);
  if (!type.starts_with(prefix) && report_error_event(progress, type, object)) return;
  read_response_event(progress, type, object);
}

void watch_large_responses(answer_progress& progress, std::string_view type,
                           std::string_view begin_of_data) {
  if (type.empty()) type = leading_type(object_in(begin_of_data));
  if (type == "response.completed" || type == "response.incomplete") {
    progress.on_finish({});
  } else if (type == "response.failed" || type == "error") {
    progress.on_fault(fault_named("server_error", "the response failed"));
  } else {
    progress.on_content();
    if (type.empty()) progress.on_blind();
  }
}

void watch_typed(answer_progress& progress, std::string_view type, std::string_view data) {
  const auto object = object_in(data);
  if (type == "error") return report_named_error(progress, data);
  if (object.empty()) return;
  if (progress.has_content() && leading_type(object).find('.') != std::string_view::npos) return;
  if (codec::check_json(object)) return report_malformed(progress);
  if (!report_error_event(progress, type, object)) progress.on_content();
}

}  // namespace understudy::translate
