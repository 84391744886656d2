#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/json_digest.hpp>
#include <understudy/translate/translator.hpp>

/// Writes the events of a streamed Anthropic message. Texts come as JSON strings with their quotes
/// and are copied as they are.
///
/// Blocks go out one after the other, each with its start and stop, whatever order the upstream's
/// pieces have: what comes while the arguments of a call are not yet whole waits for their end.
namespace understudy::translate {

class message_writer {
 public:
  /// Of what waits. Beyond, calls are so tangled that the stream is given up.
  static constexpr std::size_t max_waiting_bytes = std::size_t{8} << 20;
  static constexpr std::size_t max_calls = 1024;

  /// message_start; once.
  void start(std::string_view id, std::string_view model, std::string& out);
  bool has_started() const { return has_started_; }

  void text(std::string_view raw, std::string& out) { add(kind::text, raw, out); }
  void thinking(std::string_view raw, std::string& out) { add(kind::thinking, raw, out); }
  void signature(std::string_view raw, std::string& out) { add(kind::signature, raw, out); }
  void redacted(std::string_view raw, std::string& out) { add(kind::redacted, raw, out); }

  /// Of the text that is open, as JSON.
  void citation(std::string_view object, std::string& out) { add(kind::citation, object, out); }

  /// The call named by `key` (the upstream's own index); id and name as soon as they are known.
  /// A known key with another id and a name is another call.
  void call(std::string_view key, std::string_view raw_id, std::string_view raw_name,
            std::string& out);
  void arguments(std::string_view key, std::string_view raw, std::string& out);

  /// The upstream has ended the block that it names `key` (a call's key, or any other): what comes
  /// next begins another.
  void end_block(std::string_view key, std::string& out);

  /// Everything that waits, then message_delta and message_stop. False, with nothing terminal
  /// written: the arguments of a call never became an object (`is_cut`: the model was stopped
  /// short, where that is no fault).
  bool finish(std::string_view stop_reason, std::string_view raw_stop_sequence, bool is_cut,
              const std::string& usage, std::string& out);

  bool has_calls() const { return !calls_.empty(); }
  bool is_tangled() const { return is_tangled_; }

 private:
  enum class kind : unsigned char { none, text, citation, thinking, signature, redacted, call };
  struct waiting {
    kind what = kind::none;
    std::size_t call = 0;
    std::string raw;  ///< of what is no call
  };
  struct call_state {
    std::string key, raw_id, raw_name;
    std::vector<std::string> pieces;  ///< arguments that wait
    json_digest digest;
    bool has_begun = false;  ///< a bracket has come; blanks and `null` before it are left out
    bool is_bad = false;
    bool is_ended = false;  ///< the upstream says so
    bool is_over() const { return is_ended || digest.is_whole(); }
  };

  void add(kind what, std::string_view raw, std::string& out);
  void emit(kind what, std::string_view raw, std::string& out);
  void emit_delta(std::string_view type, std::string_view name, std::string_view raw,
                  std::string& out) const;
  void open(kind what, std::string_view block, std::string& out);
  void close(std::string& out);
  void open_call(std::size_t index, std::string& out);
  void flush(bool is_last, std::string& out);
  call_state* find_call(std::string_view key);
  void take_arguments(call_state& call, std::string_view raw, std::string& out, bool is_live);
  bool is_call_live() const { return open_ == kind::call; }
  void hold(std::size_t bytes);

  bool has_started_ = false;
  bool is_signed_ = false;  ///< the open thinking has its signature
  bool is_tangled_ = false;
  kind open_ = kind::none;
  std::size_t index_ = 0;  ///< of the open block, or of the next one
  std::size_t live_ = 0;   ///< the call that is open
  std::string message_id_;
  std::string piece_;  ///< arguments, unescaped; kept for its memory
  std::vector<call_state> calls_;
  std::vector<waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace understudy::translate
