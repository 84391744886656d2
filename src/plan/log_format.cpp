#include <understudy/plan/log_format.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include <understudy/base/ascii.hpp>

namespace understudy::plan {
namespace {

using op = log_operator;

struct command {
  std::string_view name;
  op what;
};

/// Commands without an argument. Envoy's names, where Envoy has one.
constexpr command commands[] = {
    {"START_TIME", op::start_time},
    {"DURATION", op::duration},
    {"REQUEST_DURATION", op::request_duration},
    {"RESPONSE_DURATION", op::response_duration},
    {"BYTES_RECEIVED", op::bytes_received},
    {"BYTES_SENT", op::bytes_sent},
    {"PROTOCOL", op::protocol},
    {"RESPONSE_CODE", op::response_code},
    {"RESPONSE_CODE_DETAILS", op::response_code_details},
    {"RESPONSE_FLAGS", op::response_flags},
    {"RESPONSE_FLAGS_LONG", op::response_flags_long},
    {"CONNECTION_TERMINATION_DETAILS", op::termination_details},
    {"UPSTREAM_HOST", op::upstream_host},
    {"UPSTREAM_REMOTE_ADDRESS", op::upstream_host},
    {"UPSTREAM_CLUSTER", op::upstream_cluster},
    {"UPSTREAM_CLUSTER_RAW", op::upstream_cluster},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", op::upstream_attempts},
    {"UPSTREAM_TRANSPORT_FAILURE_REASON", op::upstream_failure},
    {"UPSTREAM_LOCAL_ADDRESS", op::nothing},
    {"UPSTREAM_PROTOCOL", op::protocol},
    {"DOWNSTREAM_REMOTE_ADDRESS", op::downstream_remote},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", op::downstream_remote},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", op::downstream_remote},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", op::downstream_remote},
    {"DOWNSTREAM_LOCAL_ADDRESS", op::nothing},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", op::nothing},
    {"DOWNSTREAM_LOCAL_PORT", op::nothing},
    {"REQUESTED_SERVER_NAME", op::nothing},
    {"ROUTE_NAME", op::route_name},
    {"HOSTNAME", op::hostname},
};

/// UNDERSTUDY(…): what Envoy has no command for.
constexpr command own_commands[] = {
    {"ATTEMPTS", op::attempts},
    {"MODEL_ASKED", op::model_asked},
    {"MODEL_SENT", op::model_sent},
    {"MODEL_ANSWERED", op::model_answered},
    {"BACKEND", op::backend},
    {"ERROR_ORIGIN", op::error_origin},
    {"FIRST_CONTENT", op::first_content},
    {"FIRST_BYTE", op::first_byte},
    {"RESPONSE_ID", op::response_id},
    {"OPERATION", op::operation},
    {"PROVIDER", op::provider},
    {"LISTENER", op::listener},
};

std::optional<op> find(std::span<const command> in, std::string_view name) {
  for (const auto& c : in)
    if (c.name == name) return c.what;
  return std::nullopt;
}

struct written_command {
  std::string_view name;
  std::optional<std::string_view> argument;
  std::uint32_t max_length = 0;
};

class parser {
 public:
  parser(std::string_view text, log_format& into) : text_{text}, into_{into} {}

  base::result<log_pattern, log_format_failure> parse() {
    constexpr std::size_t max_bytes = 8192;
    if (text_.size() > max_bytes) return fail(0, "is longer than 8192 bytes; write a shorter one");
    while (at_ < text_.size()) {
      const auto percent = text_.find('%', at_);
      literal(text_.substr(at_, percent - at_));
      if (percent == std::string_view::npos) break;
      at_ = percent;
      if (text_.substr(percent).starts_with("%%")) {
        literal("%");
        at_ += 2;
      } else if (auto failure = read_command()) {
        return std::move(*failure);
      }
    }
    return std::move(out_);
  }

 private:
  static log_format_failure fail(std::size_t at, std::string message) {
    return {at, std::move(message)};
  }

  void literal(std::string_view text) {
    // One line a request: a line end that ends the format is ours to write.
    while (at_ + text.size() >= text_.size() && text.ends_with('\n')) text.remove_suffix(1);
    if (text.empty()) return;
    if (out_.empty() || out_.back().what != op::literal) out_.emplace_back();
    for (const char c : text) out_.back().text += c == '\n' || c == '\r' ? ' ' : c;
  }

  std::optional<log_format_failure> read_command() {
    const auto begin = at_;
    const auto end = end_of_command(begin + 1);
    if (end == std::string_view::npos)
      return fail(begin, "`%` begins a command that does not end; write `%%` for a percent sign");
    written_command written;
    if (!split(text_.substr(begin + 1, end - begin - 1), written))
      return fail(begin, "`" + std::string{text_.substr(begin, end - begin + 1)} +
                             "` is no command; write one as in `%REQ(USER-AGENT?HOST):20%`");
    at_ = end + 1;
    return add(begin, written);
  }

  /// The `%` behind it; one inside parentheses belongs to the argument.
  std::size_t end_of_command(std::size_t from) const {
    bool is_inside = false;
    for (std::size_t i = from; i < text_.size(); ++i) {
      if (text_[i] == '(') is_inside = true;
      if (text_[i] == ')') is_inside = false;
      if (text_[i] == '%' && !is_inside) return i;
    }
    return std::string_view::npos;
  }

  static bool split(std::string_view command, written_command& out) {
    const auto name_end = command.find_first_of("(:");
    out.name = command.substr(0, name_end);
    if (out.name.empty()) return false;
    for (const char c : out.name)
      if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_') return false;
    if (name_end == std::string_view::npos) return true;
    command.remove_prefix(name_end);
    if (command.front() == '(') {
      const auto close = command.rfind(')');
      if (close == std::string_view::npos) return false;
      out.argument = command.substr(1, close - 1);
      command.remove_prefix(close + 1);
    }
    if (command.empty()) return true;
    if (command.front() != ':' || command.size() > 6) return false;
    const char* end = command.data() + command.size();
    const auto parsed = std::from_chars(command.data() + 1, end, out.max_length);
    return parsed.ec == std::errc{} && parsed.ptr == end && out.max_length > 0;
  }

  std::optional<log_format_failure> add(std::size_t begin, const written_command& written) {
    log_segment made;
    made.max_length = written.max_length;
    if (written.name == "REQ" || written.name == "RESP") return add_field(begin, written, made);
    if (written.name == "DYNAMIC_METADATA") return add_metadata(begin, written, made);
    if (written.name == "UNDERSTUDY") {
      const auto found = find(own_commands, written.argument.value_or(""));
      if (!found) return fail(begin, "`%UNDERSTUDY(…)%` takes one of " + names_of(own_commands));
      made.what = *found;
      out_.push_back(std::move(made));
      return std::nullopt;
    }
    const auto found = find(commands, written.name);
    if (!found)
      return fail(begin, "unknown command `%" + std::string{written.name} + "%`; write one of " +
                             names_of(commands) +
                             ", REQ(…), RESP(…), DYNAMIC_METADATA(…), UNDERSTUDY(…)");
    made.what = *found;
    if (written.argument && made.what != op::start_time && made.what != op::requested_host)
      return fail(begin, "`%" + std::string{written.name} + "%` takes no argument; leave it out");
    out_.push_back(std::move(made));
    return std::nullopt;
  }

  static std::string names_of(std::span<const command> from) {
    std::string out;
    for (const auto& c : from) out.append(out.empty() ? "" : ", ").append(c.name);
    return out;
  }

  std::optional<log_format_failure> add_field(std::size_t begin, const written_command& written,
                                              log_segment& made) {
    const auto argument = written.argument.value_or("");
    const auto question = argument.find('?');
    made.text = base::lower(argument.substr(0, question));
    if (question != std::string_view::npos)
      made.alternative = base::lower(argument.substr(question + 1));
    if (made.text.empty() || argument.find_first_of(" \t\r\n\"") != std::string_view::npos)
      return fail(begin, "`%" + std::string{written.name} +
                             "(…)%` needs the name of a header field, as in `%REQ(USER-AGENT)%`");
    made.what = written.name == "REQ" ? op::request_field : op::response_field;
    if (made.what == op::response_field) {
      made.field = field_index(made.text);
      if (!made.alternative.empty()) made.alternative_field = field_index(made.alternative);
    }
    out_.push_back(std::move(made));
    return std::nullopt;
  }

  std::size_t field_index(const std::string& name) {
    auto& all = into_.response_fields;
    const auto found = std::ranges::find(all, name);
    if (found != all.end()) return static_cast<std::size_t>(found - all.begin());
    all.push_back(name);
    return all.size() - 1;
  }

  std::optional<log_format_failure> add_metadata(std::size_t begin, const written_command& written,
                                                 log_segment& made) {
    constexpr std::string_view space = "io.envoy.ai_gateway:";
    const auto argument = written.argument.value_or("");
    made.what = argument.starts_with(space) ? op::dynamic_metadata : op::nothing;
    if (made.what == op::dynamic_metadata) made.text = argument.substr(space.size());
    if (argument.empty() || (made.what == op::dynamic_metadata && made.text.empty()))
      return fail(begin,
                  "`%DYNAMIC_METADATA(…)%` needs a namespace and a key, as in "
                  "`%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_total_token)%`");
    out_.push_back(std::move(made));
    return std::nullopt;
  }

  std::string_view text_;
  log_format& into_;
  std::size_t at_ = 0;
  log_pattern out_;
};

}  // namespace

base::result<log_pattern, log_format_failure> parse_log_pattern(std::string_view text,
                                                                log_format& into) {
  return parser{text, into}.parse();
}

}  // namespace understudy::plan
