#include <understudy/codec/sse.hpp>

#include "translate/chained.hpp"
#include "translate/dropped.hpp"
#include "translate/error_event.hpp"
#include "translate/small_operation.hpp"
#include "translate/translators.hpp"

/// OpenAI's legacy completions over a chat: the outer half of a chained pair. The prompt becomes
/// one user message; without `max_tokens` the limit is 16, as that API says. What only a raw model
/// can do (`echo`, `suffix`, `best_of`, `logprobs`, several prompts, tokens, no prompt, no answer)
/// is refused.
namespace understudy::translate {
namespace {

class completions_openai_to_chat final : public translator {
 public:
  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) override;
  response_plan head(const codec::response_head& head, base::wall_time now) override;
  bool feed(std::string_view bytes, std::string& out) override;
  bool finish(std::string& out) override;
  void abort(std::string_view message, std::string& out) override;
  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override;

 private:
  bool on_event(std::string_view data, std::string& out);
  bool fail(std::string_view message, std::string& out);

  bool is_stream_ = false;
  bool is_done_ = false;
  bool has_failed_ = false;
  codec::sse_scanner scanner_;
};

refusal invalid(std::string message, int status = 422) {
  return {status, "invalid request body: " + std::move(message)};
}

/// The one text of a prompt.
base::result<std::string, refusal> prompt_text(const json& asked) {
  const json* prompt = member(asked, "prompt");
  if (prompt == nullptr) return invalid("`prompt` is missing", 400);
  if (prompt->is_array() && prompt->size() > 1 && prompt->front().is_string())
    return invalid("several prompts in one request are not supported by this backend");
  if (prompt->is_array() && prompt->size() == 1) prompt = &prompt->front();
  if (!prompt->is_string()) return invalid("`prompt` is no text: this backend takes no tokens");
  if (is_blank(view_of(*prompt))) return invalid("`prompt` is blank: this backend needs a text");
  return std::string{view_of(*prompt)};
}

base::result<upstream_request, refusal> completions_openai_to_chat::request(
    const request_view& original, const backend_view& backend) {
  refusal malformed;
  auto asked = request_object(original.body, malformed);
  if (!asked) return malformed;
  auto text = prompt_text(*asked);
  if (!text) return text.error();
  loss_ledger losses{backend.may_drop};
  const auto is_lost = [&](const char* name, bool is_asked) {
    return is_asked && !losses.may_lose(name);
  };
  const json* best_of = member(*asked, "best_of");
  const json* logprobs = member(*asked, "logprobs");
  // 0 asks for the chosen token's own.
  const bool has_logprobs = logprobs != nullptr && *logprobs != false;
  if (is_lost("echo", is_asked_for(*asked, "echo")) ||
      is_lost("suffix", is_asked_for(*asked, "suffix")) ||
      is_lost("best_of", best_of != nullptr && *best_of != 1) || is_lost("logprobs", has_logprobs))
    return invalid("`echo`, `suffix`, `best_of` and `logprobs` are not supported by this backend");
  for (const char* name : {"prompt", "echo", "suffix", "best_of", "logprobs"}) asked->erase(name);
  (*asked)["messages"] = json::array({{{"role", "user"}, {"content", std::move(*text)}}});
  const json* limit = member(*asked, "max_tokens");
  if (limit == nullptr)
    (*asked)["max_tokens"] = 16;
  else if (*limit == 0)  // a chat may take it for no limit at all
    return invalid("`max_tokens` of 0 is not supported by this backend");
  is_stream_ = original.stream;
  upstream_request out;
  out.target = "/v1/chat/completions";
  out.body = dump_json(*asked);
  out.dropped = losses.take();
  return out;
}

response_plan completions_openai_to_chat::head(const codec::response_head& head,
                                               base::wall_time /*now*/) {
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  if (is_stream_ && head.status == 200 && base::istarts_with(type, "text/event-stream"))
    return {body_mode::stream, {{"content-type", "text/event-stream"}}};
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

/// Members that a chunk and a completion share with a chat's, as they stand.
void append_opening(std::string_view chat, std::string& out) {
  out += "{";
  for (const std::string_view name : {"id", "created", "model", "system_fingerprint"}) {
    const auto found = codec::find_member(chat, name);
    if (!found || found->kind == codec::json_kind::null) continue;
    out.append("\"").append(name).append("\":").append(found->text).append(",");
  }
  out += R"("object":"text_completion","choices":[)";
}

/// The string member as it stands, with its quotes, or empty.
std::string_view quoted_member(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  return found && found->kind == codec::json_kind::string ? found->text : std::string_view{};
}

/// `content` stands in `delta` or `message`. False: there is nothing to say.
bool append_choice(std::string_view choice, std::string& out) {
  constexpr std::string_view nothing = R"("")";
  std::string_view text;
  for (const std::string_view name : {"delta", "message"})
    if (const auto inner = codec::find_member(choice, name)) {
      text = quoted_member(inner->text, "content");
      if (text.empty()) text = quoted_member(inner->text, "refusal");
    }
  const auto finish = quoted_member(choice, "finish_reason");
  if (text.size() <= nothing.size() && finish.empty()) return false;
  const auto index = codec::find_member(choice, "index");
  out.append(R"({"text":)").append(text.empty() ? nothing : text);
  out.append(R"(,"index":)").append(index ? index->text : "0");
  out.append(R"(,"logprobs":null,"finish_reason":)").append(finish.empty() ? "null" : finish);
  out += "}";
  return true;
}

/// False: neither a choice nor usage is in it.
bool append_completion(std::string_view chat, std::string& out) {
  append_opening(chat, out);
  bool is_first = true;
  if (const auto choices = codec::find_member(chat, "choices")) {
    codec::json_reader reader{choices->text};
    std::string one;
    while (reader.kind() == codec::json_kind::array && reader.next()) {
      one.clear();
      if (!append_choice(reader.value().text, one)) continue;
      out.append(is_first ? "" : ",").append(one);
      is_first = false;
    }
  }
  out += "]";
  const auto usage = codec::find_member(chat, "usage");
  const bool has_usage = usage && usage->kind == codec::json_kind::object;
  if (has_usage) out.append(R"(,"usage":)").append(usage->text);
  out += "}";
  return !is_first || has_usage;
}

bool completions_openai_to_chat::fail(std::string_view message, std::string& out) {
  if (!has_failed_) append_error_event(out, operation::completions, {}, {}, message);
  has_failed_ = true;
  return false;
}

bool completions_openai_to_chat::on_event(std::string_view data, std::string& out) {
  if (data == "[DONE]") {
    is_done_ = true;
    out += "data: [DONE]\n\n";
    return true;
  }
  if (codec::check_json(data)) return fail("the upstream's stream is broken", out);
  if (codec::find_member(data, "error")) {
    out.append("data: ").append(data).append("\n\n");
    has_failed_ = true;
    return false;
  }
  std::string chunk;
  if (append_completion(data, chunk)) out.append("data: ").append(chunk).append("\n\n");
  return true;
}

bool completions_openai_to_chat::feed(std::string_view bytes, std::string& out) {
  if (has_failed_) return false;
  codec::sse_event event;
  while (true) {
    const auto step = scanner_.next(bytes, event);
    if (step == codec::sse_scanner::step::need_more) return true;
    if (step == codec::sse_scanner::step::too_large)
      return fail("an event of the upstream's stream is too large", out);
    if (is_done_) return true;
    if (!event.data.empty() && !on_event(event.data, out)) return false;
  }
}

bool completions_openai_to_chat::finish(std::string& out) {
  if (is_done_ && !has_failed_) return true;
  return fail("the upstream's stream ended before the answer did", out);
}

void completions_openai_to_chat::abort(std::string_view message, std::string& out) {
  if (!is_done_) fail(message, out);
}

base::result<reply, refusal> completions_openai_to_chat::whole(const codec::response_head& head,
                                                               std::string_view body) {
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (head.status < 200 || head.status >= 300) {
    out.body = body;
    return out;
  }
  if (codec::check_json(body) || !append_completion(body, out.body))
    return refusal{502, "the upstream's answer holds no choice"};
  return out;
}

}  // namespace

template <schema Target>
std::unique_ptr<translator> make_completions_by_chat(operation /*op*/) {
  auto chat = find(operation::chat_completions, Target);
  if (chat == nullptr) return nullptr;
  return make_chained(std::make_unique<completions_openai_to_chat>(), std::move(chat));
}

template std::unique_ptr<translator> make_completions_by_chat<schema::aws_bedrock>(operation op);
template std::unique_ptr<translator> make_completions_by_chat<schema::aws_anthropic>(operation op);
template std::unique_ptr<translator> make_completions_by_chat<schema::anthropic>(operation op);
template std::unique_ptr<translator> make_completions_by_chat<schema::gcp_anthropic>(operation op);
template std::unique_ptr<translator> make_completions_by_chat<schema::gcp_vertex_ai>(operation op);

}  // namespace understudy::translate
