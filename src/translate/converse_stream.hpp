#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

#include "translate/converse_delta.hpp"

/// ConverseStream frames → chat completion chunks as server-sent events. No document is built:
/// strings of a frame are JSON already and are copied with their escapes.
namespace understudy::translate {

class converse_stream {
 public:
  struct head {
    std::string_view id;
    std::string_view model;
    std::int64_t created = 0;  ///< unix seconds
    bool has_usage_chunk = false;
  };

  explicit converse_stream(const head& head);

  /// False after an exception frame or broken framing; the error event is then in `out`.
  bool feed(std::string_view bytes, std::string& out);
  /// `[DONE]` when the model has come to its end; else false.
  bool finish(std::string& out);
  /// An error event, unless one has gone out.
  void abort(std::string_view message, std::string& out);
  const token_usage& usage() const { return usage_; }

 private:
  static constexpr std::size_t max_tool_calls = 1024;

  bool on_message(const codec::event_message& message, std::string& out);
  bool on_event(std::string_view type, std::string_view payload, std::string& out);
  void on_block_start(std::string_view payload, std::string& out);
  void on_block_delta(const converse_delta& delta, std::string& out);
  void on_reasoning(const converse_delta& delta, std::string& out);
  bool on_message_stop(std::string_view payload, std::string& out);
  void on_metadata(std::string_view payload, std::string& out);
  bool fail(std::string_view type, std::string_view message, std::string& out);

  void begin_delta(std::string& out) const;
  void end_delta(std::string& out, std::string_view finish_reason = {}) const;
  std::size_t tool_index(std::string_view block) const;
  void on_citation(std::string_view citation, std::string& out);
  void on_block_stop(std::string_view payload, std::string& out);
  void emit_arguments(std::size_t call, std::string_view raw, std::string& out);

  codec::event_stream_decoder decoder_;
  std::string opening_;  ///< of every chunk, up to the value of `choices`
  bool has_usage_chunk_;
  bool has_stopped_ = false;  ///< messageStop has come
  bool has_failed_ = false;
  struct tool_call {
    std::string block;  ///< contentBlockIndex, as text
    bool has_arguments = false;
  };
  std::vector<tool_call> calls_;
  std::uint64_t text_characters_ = 0;
  std::uint64_t block_begin_ = 0;  ///< characters before the text under way
  token_usage usage_;
};

}  // namespace understudy::translate
