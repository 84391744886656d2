#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

#include "translate/gemini_answer.hpp"
#include "translate/gemini_request.hpp"

/// Chunks of streamGenerateContent (`alt=sse`) → chat completion chunks. No document is built.
namespace understudy::translate {

class gemini_stream {
 public:
  struct head {
    std::string id;  ///< where the answer names none
    std::string model;
    std::int64_t created = 0;  ///< unix seconds
    gemini_asked asked;
  };

  explicit gemini_stream(head head);

  /// False after an error in the stream or broken data; the error event is then in `out`.
  bool feed(std::string_view bytes, std::string& out);
  /// `[DONE]` when every candidate has come to its end; else false.
  bool finish(std::string& out);
  /// An error event, unless one has gone out.
  void abort(std::string_view message, std::string& out);
  const token_usage& usage() const { return usage_; }

 private:
  static constexpr std::size_t max_event_bytes = std::size_t{16} << 20;  ///< an image is one event
  struct choice {
    bool has_role = false;
    bool has_finished = false;
    std::size_t calls = 0;
    std::string text;  ///< so far, inside of a JSON string; kept only where it is needed
  };

  /// Values as they are written; empty: absent.
  struct chunk {
    std::string_view id, model, usage, feedback;
    std::string_view candidates;
    std::size_t candidate_count = 0;  ///< the first of them is in `candidate_`
    bool has_error = false;
  };

  bool read_chunk(std::string_view text, chunk& out);
  bool on_event(const codec::sse_event& event, std::string& out);
  bool on_fault(const codec::sse_event& event, std::string& out);
  bool on_chunk(const chunk& chunk, std::string& out);
  bool on_candidates(const chunk& chunk, std::string& out);
  bool on_candidate(gemini_candidate& candidate, std::string& out);
  bool keep_text(gemini_candidate& candidate, choice& of, std::string& out);
  void on_block(std::string_view feedback, std::string& out);
  void open(const chunk& chunk);
  bool fail(std::string_view type, std::string_view code, std::string_view message,
            std::string& out);
  void append_chunk(std::string& out, std::string_view choices) const;

  codec::sse_scanner scanner_;
  head head_;
  std::string opening_;  ///< of every chunk, up to the value of `choices`
  // Kept for their memory: a chunk allocates nothing.
  gemini_candidate candidate_;
  std::string made_choices_;
  gemini_call_ids ids_;
  std::vector<choice> choices_;
  bool has_failed_ = false;
  token_usage usage_;
};

}  // namespace understudy::translate
