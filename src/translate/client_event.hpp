#pragma once
#include <string>
#include <string_view>

#include <understudy/codec/sse.hpp>
#include <understudy/translate/translator.hpp>

/// One event of a stream in the client's schema, as far as resuming a stream must know it.
namespace understudy::translate {

/// Views are JSON as it stands in the event's data, strings with their quotes; empty: absent.
struct client_event {
  bool is_readable = false;  ///< valid and of the schema; nothing else holds where it is not
  bool is_error = false;
  bool is_opening = false;  ///< opens the answer (role, message_start) and says nothing yet
  bool is_end = false;      ///< the terminal event
  bool has_finish = false;  ///< tells why the model stopped
  bool has_reasoning = false;
  bool has_other = false;       ///< a tool call, a refusal, a second choice …
  bool is_block_start = false;  ///< Anthropic: of a block of text
  bool is_block_stop = false;   ///< Anthropic: of any block
  std::string_view text;
  std::string_view index;  ///< Anthropic: of the block
  std::string_view id, created, model;
};

/// `event` must outlive the result.
client_event read_client_event(operation op, const codec::sse_event& event);

/// Writes an event again, with the values of its views replaced where a new one is given.
class event_rewriter {
 public:
  explicit event_rewriter(const codec::sse_event& event) : event_{event} {}
  /// `place` is a view of the event's data; an empty one, or no replacement, changes nothing.
  void replace(std::string_view place, std::string_view json);
  void append_to(std::string& out) const;

 private:
  struct edit {
    std::string_view place, json;
  };
  static constexpr std::size_t max_edits = 4;

  const codec::sse_event& event_;
  edit edits_[max_edits];
  std::size_t size_ = 0;
};

}  // namespace understudy::translate
