#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

#include "translate/chat_chunk.hpp"
#include "translate/responses_answer.hpp"

/// Chat completion chunks → the events of the Responses API (OpenAI's API reference, "Streaming
/// events"). An item is closed when another begins; calls stay open to the end, because their
/// arguments may come in turns. The closing events repeat what was said, so all of it is kept, up
/// to `max_answer_bytes`.
namespace understudy::translate {

class responses_stream {
 public:
  static constexpr std::size_t max_answer_bytes = std::size_t{16} << 20;
  static constexpr std::size_t max_event_bytes = std::size_t{4} << 20;
  static constexpr std::size_t max_items = 1024;

  /// `frame`: model and time where the chunks tell none. `seals_thinking`: what is signed comes
  /// as encrypted_content.
  responses_stream(response_frame frame, std::string upstream_id, bool seals_thinking)
      : frame_{std::move(frame)}, id_{std::move(upstream_id)}, seals_thinking_{seals_thinking} {}

  /// False after an in-band error or an unreadable chunk; the error event is then in `out`.
  bool feed(std::string_view bytes, std::string& out);
  /// False unless the model's answer has come to its end.
  bool finish(std::string& out);
  /// An error event, unless one or the end has gone out.
  void abort(std::string_view message, std::string& out);
  const token_usage& usage() const { return usage_; }

 private:
  using part_kind = response_part::kind;

  bool on_event(const codec::sse_event& event, std::string& out);
  bool on_chunk(const chat_chunk& chunk, std::string& out);
  void read_frame(const chat_chunk& chunk);
  bool on_choice(const chat_chunk_choice& choice, std::string& out);
  bool on_delta(const chat_chunk_delta& delta, std::string_view logprobs, std::string& out);
  void on_thinking(std::string_view blocks);
  bool on_annotations(std::string_view annotations, std::string& out);
  bool on_calls(std::string_view calls, std::string& out);
  bool on_call(const chat_call_delta& call, std::string& out);
  bool on_end(std::string& out);
  bool fail(std::string_view message, std::string& out);
  bool fail_with(std::string_view error, std::string& out);

  void open_response(std::string& out);
  response_item* add_item(response_item item, std::string& out);
  bool say(part_kind what, std::string_view raw, std::string_view logprobs, std::string& out);
  response_part* open_part(part_kind what, std::string& out);
  void close_part(std::size_t item, std::string& out);
  void close_current(std::string_view status, std::string& out);
  void close_item(std::size_t index, std::string_view status, std::string& out);
  void close_all(std::string& out);

  void begin_event(std::string_view type, std::string& out);
  void append_place(std::size_t item, std::string& out) const;
  void append_content_index(std::size_t item, std::string& out) const;

  codec::sse_scanner scanner_{max_event_bytes};
  response_frame frame_;
  std::string id_;
  bool seals_thinking_;
  std::uint64_t sequence_ = 0;
  std::size_t kept_bytes_ = 0;
  std::vector<response_item> items_;
  std::optional<std::size_t> current_;  ///< the open item that is no call
  struct known_call {
    std::string index;  ///< the chat's, as text
    std::size_t item;
  };
  std::vector<known_call> calls_;
  std::string thinking_;          ///< blocks of the current reasoning: elements of a JSON list
  std::size_t signed_bytes_ = 0;  ///< of the reasoning's text that a signature has covered
  response_state state_;
  std::string service_tier_;
  token_usage usage_;
  bool is_begun_ = false;
  bool has_finish_ = false;
  bool is_over_ = false;
  bool has_failed_ = false;
};

}  // namespace understudy::translate
