#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

#include "translate/anthropic_helper.hpp"
#include "translate/aws_anthropic_frames.hpp"

/// Events of Anthropic's Messages API, server-sent or in AWS frames → chat completion chunks as
/// server-sent events. No document is built: strings of an event are JSON already and are copied
/// with their escapes.
///
/// Blocks that the provider works on itself (server_tool_use, web_search_tool_result …) are no
/// calls for the client and are passed over; citations of web pages become `annotations`.
namespace understudy::translate {

class anthropic_chat_stream {
 public:
  struct head {
    std::string_view id;       ///< where the answer names none
    std::string_view model;    ///< likewise
    std::int64_t created = 0;  ///< unix seconds
    bool has_usage_chunk = false;
    bool has_frames = false;  ///< of AWS, around the events
  };

  explicit anthropic_chat_stream(const head& head);

  /// False after an error event, an exception frame or what can't be read; the error event is then
  /// in `out`.
  bool feed(std::string_view bytes, std::string& out);
  /// `[DONE]` when the model has come to its end; else false.
  bool finish(std::string& out);
  /// An error event, unless one has gone out.
  void abort(std::string_view message, std::string& out);
  token_usage usage() const { return usage_.total(); }

 private:
  static constexpr std::size_t max_event_bytes = std::size_t{4} << 20;
  static constexpr std::size_t max_tool_calls = 1024;
  struct event;
  struct tool_call {
    std::string block;  ///< index of its block, as written
    bool has_arguments = false;
  };

  bool feed_frames(std::string_view bytes, std::string& out);
  bool feed_events(std::string_view bytes, std::string& out);
  bool on_json(std::string_view name, std::string_view json, std::string& out);
  bool on_event(const event& e, std::string& out);
  bool on_block_start(const event& e, std::string& out);
  bool on_tool_start(const event& e, std::string& out);
  void on_delta(const event& e, std::string& out);
  void on_block_stop(const event& e, std::string& out);
  void on_message_delta(const event& e);
  bool on_message_stop(std::string& out);
  bool fail(std::string_view type, std::string_view message, std::string& out);

  // anthropic_chat_chunks.cpp
  void open(std::string_view message, std::string& out);
  void begin_delta(std::string& out) const;
  void end_delta(std::string& out, std::string_view finish_reason = {}) const;
  void emit(std::string_view opening, std::string_view raw, std::string_view closing,
            std::string& out) const;
  void emit_text(std::string_view raw, std::string& out);
  void emit_arguments(tool_call& call, std::string_view raw, std::string& out);
  void keep_citation(std::string_view citation);
  void emit_citations(std::string& out);
  void emit_usage(std::string& out) const;
  tool_call* call_of(std::string_view block);

  codec::sse_scanner scanner_;
  aws_anthropic_frames frames_;
  bool has_frames_;
  bool has_usage_chunk_;
  std::string id_, model_;
  std::int64_t created_;
  std::string opening_;  ///< of every chunk, up to the value of `choices`; empty until the first
  std::string stop_reason_;
  bool has_stopped_ = false;  ///< message_stop has come
  bool has_failed_ = false;
  std::vector<tool_call> calls_;
  std::uint64_t text_characters_ = 0;
  std::uint64_t block_begin_ = 0;  ///< characters before the newest block of text
  std::string citations_;          ///< of the block under way, without the index of its end
  std::vector<std::size_t> citation_ends_;  ///< where in citations_ that index belongs
  claude_usage usage_;
};

}  // namespace understudy::translate
