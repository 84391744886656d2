#pragma once
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/short_text.hpp>
#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/translate/json_digest.hpp>
#include <understudy/translate/translator.hpp>

/// How far an upstream's answer has come: the semantic commit point of `firstToken.hold`, in-band
/// errors and politely truncated streams (spec/interface.md, FailoverPolicy).
namespace understudy::translate {

enum class answer_stage : std::uint8_t {
  preamble,  ///< role, pings, comments, usage: nothing that a client would miss
  content,   ///< text, reasoning, a tool call, a refusal, audio
  finished,  ///< the model has said why it stopped
  failed,    ///< see fault()
};

/// An error inside a 2xx answer, or an answer that is none.
struct answer_fault {
  int status = 502;  ///< HTTP status it stands for: overloaded_error 529, rate_limit_error 429 …
  std::string type, code, message;  ///< of the provider, 512 bytes each at most, no secrets
  /// No word of the provider: an HTML page, an empty body, a bad checksum, a truncated document,
  /// a stream that ended before its answer did.
  bool is_unintelligible = false;
  bool is_content_policy = false;  ///< a content filter refused; status 400
};

/// What the readers of the schemas have found. Bits and counters; nothing goes back.
class answer_progress {
 public:
  static constexpr std::size_t max_choices = 128;

  void reset();
  void on_content(std::uint64_t text_characters = 0);
  /// One of `n` parallel answers has been seen, or has come to its end. Beyond the limit: the last.
  void on_choice(std::size_t index) { seen_.set(index < max_choices ? index : max_choices - 1); }
  void on_finish(std::size_t index, std::string_view reason);
  /// Answers with one end only.
  void on_finish(std::string_view reason) { on_finish(0, reason); }
  /// The body has ended, and nothing speaks against its being whole.
  void on_end();
  void on_fault(answer_fault fault);
  void on_unintelligible(std::string_view why);
  /// Something could not be followed; it may have held the end.
  void on_blind() { is_blind_ = true; }

  bool has_choice(std::size_t index) const { return index < max_choices && seen_.test(index); }
  bool has_content() const { return has_content_; }
  bool has_fault() const { return fault_.has_value(); }
  bool is_blind() const { return is_blind_; }
  bool is_finished() const { return has_finish_ && (seen_ & ~finished_).none(); }
  void on_filtered() { is_filtered_ = true; }
  bool is_filtered() const { return is_filtered_; }
  std::uint64_t text_characters() const { return text_characters_; }
  const answer_fault* fault() const { return fault_ ? &*fault_ : nullptr; }
  answer_stage stage() const { return stage_; }

  /// The answer's `model` and `id`, JSON escapes as written; the first that are not empty stay.
  void on_identity(std::string_view model, std::string_view id) {
    if (model_.empty()) model_.assign(model);
    if (id_.empty()) id_.assign(id);
  }
  /// Off until asked for, and then until reset(): most answers are not traced.
  void keep_finish_reasons(std::vector<std::string>& into) { reasons_ = &into; }
  bool keeps_finish_reasons() const { return reasons_ != nullptr; }
  /// Why the model stopped, JSON escapes as written.
  void on_reason(std::size_t index, std::string_view reason);
  bool is_named() const { return !model_.empty(); }
  std::string_view model() const { return model_.view(); }
  std::string_view id() const { return id_.view(); }

  token_usage usage;             ///< of the newest event that told it
  bool has_stop_reason = false;  ///< Anthropic: the reason comes first, then message_stop

 private:
  void advance(answer_stage to) { stage_ = to > stage_ ? to : stage_; }

  answer_stage stage_ = answer_stage::preamble;
  bool has_content_ = false;
  bool has_finish_ = false;
  bool is_filtered_ = false;
  bool is_blind_ = false;
  std::bitset<max_choices> seen_, finished_;
  std::uint64_t text_characters_ = 0;
  base::short_text<96> model_, id_;
  std::optional<answer_fault> fault_;
  std::vector<std::string>* reasons_ = nullptr;  ///< null: nobody asks
};

/// Watches the body of one 2xx answer in the upstream's own schema. Reused from attempt to attempt;
/// memory is bounded by 64 KiB of one unfinished event. Belongs to its worker; never throws.
///
/// The stage only grows. It does not depend on how the bytes are cut, but for pieces: a caller sees
/// the stage behind the last whole event of what it has fed.
class answer_watch {
 public:
  answer_watch() = default;
  answer_watch(const answer_watch&) = delete;
  answer_watch& operator=(const answer_watch&) = delete;

  /// True where answers of this kind can be followed, so that they must not come compressed.
  static bool can_watch(operation op, schema upstream);

  static constexpr std::size_t max_event_bytes = std::size_t{64} << 10;
  /// A unary body is worth waiting for up to here; beyond, it counts as content.
  static constexpr std::size_t max_unary_bytes = std::size_t{1} << 20;

  /// Resets. `op` is the client's operation, `upstream` what the upstream speaks; both give the
  /// wire format. `expects_stream`: the client asked for a stream. Nothing of `head` is kept.
  void begin(operation op, schema upstream, bool expects_stream, const codec::response_head& head);
  /// After begin(): finish_reasons() is wanted, which costs a unary answer another reading.
  void keep_finish_reasons() {
    reasons_.clear();
    progress_.keep_finish_reasons(reasons_);
  }
  /// Body bytes without transfer coding, cut anywhere. Events that lie whole in one piece are
  /// neither copied nor allocated for.
  void feed(std::string_view bytes);
  /// Clean end of the body. The stage is then `finished` or `failed`; an answer without its proper
  /// end gets a fault here.
  void finish();
  /// feed() and finish() in one, for a body that is there as a whole: nothing of it is copied.
  /// Instead of both; only the first bytes after begin().
  void feed_whole(std::string_view bytes);

  answer_stage stage() const { return progress_.stage(); }
  /// Content has come, or the answer has ended properly without any. Unary: at finish().
  bool has_content() const { return progress_.has_content(); }
  /// The answer has its proper end, in all its choices so far. Not watching: the body has ended.
  bool is_whole() const;
  const answer_fault* fault() const { return progress_.fault(); }
  /// A server-sent event, or a frame, could go in here. Never inside a unary body.
  bool is_between_events() const;
  /// False: compressed, or of no known format. Everything is content then, and its end proper.
  bool is_watching() const { return form_ != form::unwatched; }
  /// The answer comes as events, server-sent or in frames (known from the first body byte on).
  bool is_stream() const { return form_ == form::sse || form_ == form::frames; }
  /// The answer ended because of a content filter (finish_reason content_filter, SAFETY …).
  bool is_filtered() const { return progress_.is_filtered(); }

  const token_usage& usage() const { return progress_.usage; }
  /// What the answer calls its model and itself, JSON escapes as written; empty where it does not.
  std::string_view model() const { return progress_.model(); }
  std::string_view response_id() const { return progress_.id(); }
  /// In the provider's words, by choice; empty where it is not known.
  std::span<const std::string> finish_reasons() const {
    return progress_.keeps_finish_reasons() ? std::span<const std::string>{reasons_}
                                            : std::span<const std::string>{};
  }
  /// Characters of text, reasoning and arguments seen, JSON escapes as written: for estimates.
  std::uint64_t text_characters() const { return progress_.text_characters(); }

  enum class wire : std::uint8_t {
    none,
    unary,  ///< JSON, never a stream
    chat,   ///< completions, too
    responses,
    typed_events,  ///< images, speech, transcriptions: any event is content
    anthropic,
    anthropic_frames,  ///< Anthropic's events in base64 inside AWS frames
    gemini,
    converse,
  };

 private:
  enum class form : std::uint8_t { undecided, unwatched, sse, frames, json };
  enum class declared : std::uint8_t { nothing, sse, frames, json, html, lines, other };

  void declare(const codec::response_head& head);
  void decide(std::string_view& bytes);
  void feed_sse(std::string_view bytes);
  const char* take_whole_event(const char* at, const char* end);
  void feed_pending(std::string_view& bytes);
  std::size_t find_block_end(std::string_view bytes, bool is_comment);
  void read_block(std::string_view block);
  void on_event(std::string_view type, std::string_view data);
  void on_large_event(std::string_view prefix);
  void feed_frames(std::string_view bytes);
  void on_frame(const codec::event_message& message);
  void feed_json(std::string_view bytes);
  void finish_json();
  void read_reasons(std::string_view document);
  void finish_stream();
  void stop_watching();

  wire wire_ = wire::none;
  form form_ = form::unwatched;
  declared declared_ = declared::nothing;
  bool expects_stream_ = false;
  bool has_ended_ = false;

  // Server-sent events.
  std::string pending_;  ///< begin of an event whose end has not come; a document, for its reasons
  std::string joined_;   ///< data of more than one line, or decoded bytes of a frame
  bool is_line_empty_ = true;
  bool is_after_cr_ = false;
  bool is_skipping_ = false;  ///< an event too large to keep

  std::optional<codec::event_stream_decoder> decoder_;
  json_digest digest_;
  answer_progress progress_;
  std::vector<std::string> reasons_;  ///< progress_ may point to it
};

}  // namespace understudy::translate
