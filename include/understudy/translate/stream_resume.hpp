#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/codec/sse.hpp>
#include <understudy/translate/request_features.hpp>
#include <understudy/translate/translator.hpp>

/// What `stream.onBreak` (spec/interface.md, FailoverPolicy) needs of the client's schema. All of
/// it reads and writes what the client sees, behind the translators. One object per exchange;
/// nothing here is thread-safe.
namespace understudy::translate {

struct client_event;

/// Operations whose streams can be followed: chat_completions, completions, messages.
bool can_resume(operation op);

/// What the client has of an answer. In an exchange that may resume, its bytes go through pass():
/// only whole events are let through, so that a break never leaves half an event with the client.
class sent_text {
 public:
  explicit sent_text(operation op, std::size_t max_bytes = std::size_t{256} << 10);

  /// Appends to `out` the events that are whole and remembers them; keeps the rest back. The
  /// begin that is kept back when the stream breaks is to be forgotten with this object.
  void pass(std::string_view bytes, std::string& out);

  /// The clean end of the body: an event at its end may lack the blank line.
  void finish(std::string& out);

  const std::string& text() const { return text_; }
  /// Nothing but text in one choice has been sent, and it is all here. False also after an error
  /// event, and where an event could not be read.
  bool is_plain_text() const { return !has_other_ && !is_overflowing_; }
  /// Reasoning has been sent. It is not part of text(), and no second answer repeats it.
  bool has_reasoning() const { return has_reasoning_; }
  /// More text, or a greater event, than is kept: nothing can be resumed. Bytes then pass as they
  /// are.
  bool is_overflowing() const { return is_overflowing_; }
  /// The reason for the end has been sent; only usage and the closing event are missing.
  bool has_finish() const { return has_finish_; }
  /// The terminal event has been sent: nothing is missing.
  bool is_complete() const { return is_complete_; }
  operation op() const { return op_; }

 private:
  friend class stream_repeat;

  std::size_t whole_events(std::string_view bytes);
  void read(std::string_view events);
  void take(const codec::sse_event& event);
  void give_up();

  operation op_;
  std::size_t max_bytes_;
  std::string held_;
  codec::sse_scanner scanner_;
  bool is_line_empty_ = true;
  bool is_after_cr_ = false;
  std::string text_;
  std::string id_, created_, model_;  ///< raw JSON, of the first event that had them
  bool has_opening_ = false;          ///< the event that opens the answer has been sent
  bool has_block_ = false;            ///< Anthropic: the text block has been opened
  bool is_block_closed_ = false;
  std::string block_index_;
  bool has_other_ = false;
  bool has_reasoning_ = false;
  bool is_overflowing_ = false;
  bool has_finish_ = false;
  bool is_complete_ = false;
};

/// Lets of a second answer through what the client does not have yet, as more of the first answer:
/// the opening events are left out, and id, time and model are the first's.
class stream_repeat {
 public:
  enum class mode : std::uint8_t {
    verify,   ///< the second answer was asked for from the start and must repeat the text sent
    proceed,  ///< it was asked to go on behind the text sent (continue_request)
  };

  /// `repeated_tail`: the bytes at the end of the text that the request had to leave out
  /// (continuation::trimmed_bytes); a second answer that begins with them has them cut.
  stream_repeat(const sent_text& sent, mode m, std::size_t repeated_tail = 0);

  /// Bytes of the second answer in the client's schema, cut anywhere; appends to `out`. False, for
  /// good: it differs, or has something that can't be joined on (why()). What was appended before
  /// that is still part of one answer; the caller ends with append_break_event().
  bool feed(std::string_view bytes, std::string& out);
  /// The clean end of the second answer's body. False where its answer has not come to its end.
  bool finish(std::string& out);

  /// All text sent has come again: what follows is new. From here on bytes go out.
  bool is_past_repetition() const { return matched_ == expected_.size(); }
  std::string_view why() const { return why_; }  ///< static text for logs and the request's story

 private:
  /// Anthropic: what becomes of the block that the second answer stands in.
  enum class block : std::uint8_t { none, dropped, first_text, later };

  bool on_event(const codec::sse_event& event, const client_event& e, std::string& out);
  bool on_text(const codec::sse_event& event, const client_event& e, std::string& out);
  bool on_end(const codec::sse_event& event, const client_event& e, std::string& out);
  bool on_reasoning(const codec::sse_event& event, const client_event& e, std::string& out);
  bool on_block_start(const codec::sse_event& event, const client_event& e, std::string& out);
  bool on_block_stop(const codec::sse_event& event, const client_event& e, std::string& out);
  void emit(const codec::sse_event& event, const client_event& e, std::string_view text,
            std::string& out) const;
  bool may_end();
  bool fail(std::string_view why);

  operation op_;
  mode mode_;
  codec::sse_scanner scanner_;
  std::string expected_;  ///< text that the client has and that must, or may, come again
  std::size_t matched_ = 0;
  std::string id_, created_, model_;
  std::string block_index_;
  bool has_opening_, has_block_, is_block_closed_, has_finish_;  ///< what the client has
  bool has_own_block_ = false;
  bool has_own_finish_ = false;
  bool has_ended_ = false;
  block block_ = block::none;
  std::string_view why_;
};

/// How a backend is told to go on behind an assistant message.
enum class assistant_prefix : std::uint8_t {
  unsupported,
  plain,          ///< a last message of the assistant is continued (Claude before 4.6)
  final_message,  ///< vLLM, SGLang: `continue_final_message` beside it
  prefix_member,  ///< Mistral, DeepSeek: `"prefix": true` in the message
};

/// What is known of a model by its name (the one that goes upstream). OpenAI's own models answer
/// anew, and Claude from 4.6 on refuses. An OpenAI-schema backend counts as `final_message` where
/// the model is named as by its weights' publisher (`meta-llama/…`), `prefix_member` where the
/// name begins with Mistral's or DeepSeek's; anything else, Gemini and Cohere: unsupported.
assistant_prefix assistant_prefix_of(schema upstream, std::string_view model);
bool accepts_assistant_prefix(schema upstream, std::string_view model);

struct continuation {
  std::string body;               ///< in the client's schema, to be translated as ever
  std::size_t trimmed_bytes = 0;  ///< white space left out at the end of the text
};

/// The request that asks for the rest. The error is a static text that says why there is none:
/// tools, JSON mode, reasoning, several choices, an answer that already was a continuation, nothing
/// to go on from. `max_tokens` stays: what was used of it is not known exactly. A completion's
/// prompt gets the text appended, whatever `style` is.
base::result<continuation, std::string_view> continue_request(operation op,
                                                              const request_features& features,
                                                              std::string_view original,
                                                              std::string_view text_so_far,
                                                              assistant_prefix style);

/// The in-band error that ends a broken stream, in the client's schema; the event of the
/// translators' abort(). `out` must stand between two events.
void append_break_event(operation op, std::string_view message, std::string& out);

}  // namespace understudy::translate
