#include <understudy/translate/request_features.hpp>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/json_cursor.hpp>

namespace understudy::translate {
namespace {

using codec::json_cursor;
using codec::json_kind;

/// Content inside of tool results inside of content: more levels than any API has.
constexpr int max_nested_parts = 4;

bool has_key(const json_cursor& at, std::initializer_list<std::string_view> of) {
  return std::ranges::any_of(of, [&](std::string_view name) { return at.is_key(name); });
}

/// Neither null nor false, nor empty: something was asked for.
bool take_presence(json_cursor& at) {
  const auto text = at.take();
  if (base::is_one_of(text, {"null", "false", "\"\"", "0"})) return false;
  const bool is_container = text.size() > 1 && (text.front() == '[' || text.front() == '{');
  return !text.empty() && (!is_container || text.find_first_not_of(" \t\r\n", 1) + 1 < text.size());
}

std::optional<std::uint64_t> take_number(json_cursor& at) {
  if (at.kind() != json_kind::number) return std::nullopt;
  const auto text = at.take();
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || behind != end) return std::nullopt;
  return value;
}

/// The string member `name` of the object it stands on, escapes as they are.
std::string_view take_string_of(json_cursor& at, std::string_view name) {
  std::string_view found;
  if (!at.enter()) return found;
  while (at.next())
    if (at.is_key(name)) found = at.take_raw_string();
  return found;
}

/// Elements of the list it stands on; one where it is none. A list of numbers is one text's tokens.
std::uint32_t count_texts(json_cursor& at) {
  if (at.kind() != json_kind::array || !at.enter()) return 1;
  std::uint32_t count = 0;
  bool is_tokens = false;
  for (; at.next(); ++count) is_tokens = at.kind() == json_kind::number;
  return is_tokens ? 1 : std::max(count, 1U);
}

class feature_scan {
 public:
  feature_scan(operation op, std::string_view body) : op_{op}, at_{body}, size_{body.size()} {}

  std::optional<request_features> run() {
    if (at_.kind() != json_kind::object || !at_.enter()) return std::nullopt;
    while (at_.next()) member();
    if (!at_.finish()) return std::nullopt;
    out_.approximate_input_tokens = (size_ - std::min(size_, media_bytes_) + 3) / 4;
    return out_;
  }

 private:
  bool is_responses() const {
    return op_ == operation::responses || op_ == operation::responses_input_tokens;
  }
  void member();
  bool general_member();
  bool sampling_member();
  bool format_member();
  bool reasoning_member();
  bool state_member();
  void tools();
  void conversation();
  void message();
  void parts(int levels_left);
  void part(int levels_left);
  void judge_part(std::string_view type, bool is_remote, std::size_t bytes);
  void format(std::string_view type);

  operation op_;
  json_cursor at_;
  std::size_t size_;
  std::size_t media_bytes_ = 0;
  request_features out_;
};

void feature_scan::member() {
  if (at_.is_key("messages")) {
    conversation();
  } else if (at_.is_key("input")) {
    if (is_responses())
      conversation();
    else
      out_.inputs = count_texts(at_);
  } else if (at_.is_key("prompt") && at_.kind() != json_kind::object) {
    out_.inputs = count_texts(at_);
  } else if (at_.is_key("tools")) {
    tools();
  } else if (!general_member() && !sampling_member() && !format_member() && !reasoning_member()) {
    state_member();
  }
}

bool feature_scan::general_member() {
  if (at_.is_key("stream")) {
    out_.stream = at_.take() == "true";
  } else if (has_key(at_, {"max_tokens", "max_completion_tokens", "max_output_tokens"})) {
    if (const auto limit = take_number(at_)) out_.max_tokens = limit;
  } else if (at_.is_key("functions")) {
    out_.legacy_functions = take_presence(at_);
    out_.tools = out_.tools || out_.legacy_functions;
  } else if (at_.is_key("web_search_options")) {
    // An empty object asks for it, too.
    out_.web_search = at_.take() != "null";
  } else if (at_.is_key("mcp_servers")) {
    out_.non_function_tools = take_presence(at_) || out_.non_function_tools;
  } else {
    return false;
  }
  return true;
}

bool feature_scan::sampling_member() {
  if (has_key(at_, {"n", "best_of"})) {
    constexpr std::uint64_t limit = UINT32_MAX;
    const auto n = take_number(at_).value_or(1);
    out_.n = std::max(out_.n, static_cast<std::uint32_t>(std::min(n, limit)));
  } else if (at_.is_key("logprobs")) {
    // A completion's 0 asks for the chosen token's.
    const bool is_number = at_.kind() == json_kind::number;
    out_.logprobs = take_presence(at_) || is_number || out_.logprobs;
  } else if (at_.is_key("top_logprobs")) {
    out_.logprobs = take_presence(at_) || out_.logprobs;
  } else if (at_.is_key("include")) {
    out_.logprobs = at_.take().find("logprobs") != std::string_view::npos || out_.logprobs;
  } else if (at_.is_key("echo")) {
    out_.echo = take_presence(at_);
  } else {
    return false;
  }
  return true;
}

void feature_scan::format(std::string_view type) {
  out_.json_mode = out_.json_mode || type == "json_object";
  out_.json_schema = out_.json_schema || type == "json_schema";
}

bool feature_scan::format_member() {
  if (has_key(at_, {"response_format", "output_format"})) {
    // images and audio have strings there
    if (at_.kind() == json_kind::object) format(take_string_of(at_, "type"));
  } else if (has_key(at_, {"text", "output_config"})) {
    if (!at_.enter()) return true;
    while (at_.next())
      if (at_.is_key("format")) format(take_string_of(at_, "type"));
  } else if (has_key(at_,
                     {"guided_json", "guided_grammar", "guided_regex", "structured_outputs"})) {
    out_.json_schema = take_presence(at_) || out_.json_schema;
  } else if (at_.is_key("modalities")) {
    out_.audio_output = at_.take().find("\"audio\"") != std::string_view::npos || out_.audio_output;
  } else if (at_.is_key("audio")) {
    out_.audio_output = take_presence(at_) || out_.audio_output;
  } else {
    return false;
  }
  return true;
}

bool feature_scan::reasoning_member() {
  if (at_.is_key("reasoning_effort")) {
    const auto effort = at_.take_raw_string();
    out_.reasoning = out_.reasoning || (!effort.empty() && effort != "none");
  } else if (at_.is_key("thinking")) {
    out_.reasoning =
        out_.reasoning || base::is_one_of(take_string_of(at_, "type"), {"enabled", "adaptive"});
  } else if (at_.is_key("enable_thinking")) {
    out_.reasoning = at_.take() == "true" || out_.reasoning;
  } else if (at_.is_key("chat_template_kwargs")) {
    if (!at_.enter()) return true;
    while (at_.next())
      if (has_key(at_, {"enable_thinking", "thinking"}))
        out_.reasoning = at_.take() == "true" || out_.reasoning;
  } else if (at_.is_key("reasoning")) {
    if (at_.kind() != json_kind::object || !at_.enter()) return true;
    bool is_asked = false;
    bool is_off = false;
    while (at_.next()) {
      const bool is_effort = at_.is_key("effort");
      const auto value = at_.take();
      is_off = is_off || value == "false" || (is_effort && value == "\"none\"");
      is_asked = is_asked || value != "null";
    }
    out_.reasoning = out_.reasoning || (is_asked && !is_off);
  } else {
    return false;
  }
  return true;
}

bool feature_scan::state_member() {
  if (!has_key(at_, {"previous_response_id", "conversation", "prompt", "container", "background"}))
    return false;
  out_.server_state = take_presence(at_) || out_.server_state;
  return true;
}

void feature_scan::tools() {
  if (!at_.enter()) return;
  while (at_.next()) {
    out_.tools = true;
    const auto type = take_string_of(at_, "type");
    const bool is_function = op_ == operation::messages || op_ == operation::count_tokens
                                 ? type.empty() || type == "custom"
                                 : type == "function";
    out_.non_function_tools = out_.non_function_tools || !is_function;
    const bool is_known =
        is_function || base::is_one_of(type, {"google_search", "enterprise_search"});
    out_.unknown_tools = out_.unknown_tools || !is_known;
  }
}

void feature_scan::conversation() {
  if (at_.kind() != json_kind::array || !at_.enter()) return;
  while (at_.next()) message();
}

/// A message, or an item of a Responses input.
void feature_scan::message() {
  if (at_.kind() != json_kind::object || !at_.enter()) return;
  out_.ends_with_assistant = false;
  while (at_.next()) {
    if (at_.is_key("role")) {
      const auto role = at_.take_raw_string();
      out_.ends_with_assistant = role == "assistant";
      out_.tools = out_.tools || base::is_one_of(role, {"tool", "function"});
    } else if (at_.is_key("content")) {
      parts(max_nested_parts);
    } else if (at_.is_key("output")) {
      const auto before = media_bytes_;
      parts(max_nested_parts);
      out_.tool_media = out_.tool_media || media_bytes_ > before;
    } else if (has_key(at_, {"tool_calls", "function_call"})) {
      out_.tools = take_presence(at_) || out_.tools;
    } else if (at_.is_key("audio")) {
      out_.audio = take_presence(at_) || out_.audio;
    } else if (at_.is_key("type")) {
      const auto type = at_.take_raw_string();
      out_.server_state = out_.server_state || type == "item_reference";
      const bool is_foreign =
          is_responses() &&
          !base::is_one_of(type, {"message", "function_call", "function_call_output", "reasoning",
                                  "item_reference"});
      out_.non_function_tools = out_.non_function_tools || is_foreign;
      out_.tools = out_.tools || type.ends_with("_call") || type.ends_with("_call_output");
    }
  }
}

void feature_scan::parts(int levels_left) {
  if (at_.kind() != json_kind::array || levels_left == 0 || !at_.enter()) return;
  while (at_.next()) part(levels_left - 1);
}

void feature_scan::part(int levels_left) {
  const auto begin = at_.offset();
  std::string_view type;
  bool is_remote = false;
  const auto judge_url = [&](std::string_view url) {
    is_remote = is_remote || (!url.empty() && !base::istarts_with(url.substr(0, 5), "data:"));
  };
  if (at_.kind() != json_kind::object || !at_.enter()) return;
  while (at_.next()) {
    if (at_.is_key("type")) {
      type = at_.take_raw_string();
    } else if (at_.is_key("image_url")) {
      judge_url(at_.kind() == json_kind::object ? take_string_of(at_, "url")
                                                : at_.take_raw_string());
    } else if (at_.is_key("source")) {
      is_remote = base::is_one_of(take_string_of(at_, "type"), {"url", "file"}) || is_remote;
    } else if (at_.is_key("file_id") || at_.is_key("file_url")) {
      const bool is_kept = take_presence(at_);
      is_remote = is_remote || is_kept;
      out_.kept_files = out_.kept_files || is_kept;
    } else if (at_.is_key("content")) {
      parts(levels_left);
    }
  }
  judge_part(type, is_remote, at_.offset() - begin);
}

void feature_scan::judge_part(std::string_view type, bool is_remote, std::size_t bytes) {
  if (base::is_one_of(type, {"image_url", "image", "input_image"})) {
    out_.images = true;
    out_.remote_images = out_.remote_images || is_remote;
    media_bytes_ += bytes;
  } else if (base::is_one_of(type, {"input_audio", "audio", "audio_url"})) {
    out_.audio = true;
    media_bytes_ += bytes;
  } else if (base::is_one_of(type,
                             {"file", "document", "input_file", "container_upload", "video_url"})) {
    out_.files = true;
    out_.remote_files = out_.remote_files || is_remote;
    media_bytes_ += bytes;
  } else if (type.ends_with("tool_use") || type.ends_with("tool_result")) {
    out_.tools = true;
    // What a provider's own tools were asked and gave.
    out_.non_function_tools =
        out_.non_function_tools || !base::is_one_of(type, {"tool_use", "tool_result"});
  } else if (!base::is_one_of(
                 type, {"text", "input_text", "output_text", "refusal", "thinking",
                        "redacted_thinking", "summary_text", "reasoning_text", "search_result"})) {
    out_.other_parts = true;
  }
}

}  // namespace

std::optional<request_features> scan_features(operation op, std::string_view body) {
  return feature_scan{op, body}.run();
}

}  // namespace understudy::translate
