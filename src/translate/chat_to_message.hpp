#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

#include "translate/chat_chunk.hpp"
#include "translate/message_writer.hpp"

/// OpenAI chat completion → Anthropic message, whole or as a stream (spec/gateway-config.md §4.5,
/// §9; platform.openai.com/docs/api-reference/chat, docs.claude.com/en/api/messages).
///
/// A call whose arguments are no JSON object is an error, unless the model was cut short. A stream
/// is whole when it has told why the model stopped.
namespace understudy::translate {

/// `stop_reason` of a chat's `finish_reason`; nothing for an answer that ended in an error.
std::optional<std::string_view> stop_reason_of(std::string_view finish_reason, bool has_calls);

/// Reads a chat's `usage`; what was cached is part of the input.
token_usage chat_usage_of(std::string_view usage_json);

struct message_of_chat {
  std::string json;
  token_usage usage;
};

/// `model`, where the answer names none; `stops`: the client's stop sequences, by which a server's
/// `stop_reason` or `matched_stop` is known to be one.
base::result<message_of_chat, refusal> message_of_completion(std::string_view body,
                                                             std::string_view model,
                                                             const std::vector<std::string>& stops);

/// Chunks → events.
class chat_message_stream {
 public:
  chat_message_stream(std::string_view model, std::vector<std::string> stops)
      : model_{model}, stops_{std::move(stops)} {}

  /// False after an error of the upstream or a malformed chunk; the error event is then in `out`.
  bool feed(std::string_view bytes, std::string& out);
  bool finish(std::string& out);
  /// An error event, unless one, or the end of the message, has gone out.
  void abort(std::string_view message, std::string& out);
  const token_usage& usage() const { return usage_; }

 private:
  bool on_event(const codec::sse_event& event, std::string& out);
  bool on_error(std::string_view error, std::string& out);
  void on_choice(const chat_chunk& chunk, std::string& out);
  void on_delta(const chat_chunk_delta& delta, std::string& out);
  void on_thinking_blocks(std::string_view blocks, bool has_text, std::string& out);
  void on_calls(std::string_view calls, std::string& out);
  bool end_message(std::string& out);
  bool fail(std::string_view type, std::string_view message, std::string& out);

  codec::sse_scanner scanner_{std::size_t{4} << 20};
  message_writer writer_;
  std::string model_;
  std::vector<std::string> stops_;
  std::string finish_reason_;
  std::string raw_stop_;  ///< the stop sequence that was met, where the upstream tells it
  std::string raw_tier_;  ///< with quotes
  bool has_refusal_ = false;
  bool has_ended_ = false;
  bool has_failed_ = false;
  token_usage usage_;
};

}  // namespace understudy::translate
