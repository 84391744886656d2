#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/codec/event_stream.hpp>
#include <understudy/translate/translator.hpp>

#include "translate/converse_delta.hpp"
#include "translate/message_writer.hpp"

/// Bedrock Converse answer → Anthropic message, whole or as a stream (spec/gateway-config.md §4.5,
/// §9). message_delta comes at the end, behind Bedrock's `metadata`, so that it has the usage.
namespace understudy::translate {

/// Nothing where the model's output was broken, which is an error and no end.
std::optional<std::string_view> stop_reason_of_converse(std::string_view stop_reason);

struct message_of_converse {
  std::string json;
  token_usage usage;
};

base::result<message_of_converse, refusal> message_of_converse_answer(std::string_view body,
                                                                      std::string_view id,
                                                                      std::string_view model);

class converse_message_stream {
 public:
  converse_message_stream(std::string_view id, std::string_view model) : id_{id}, model_{model} {}

  /// False after an exception frame or broken framing; the error event is then in `out`.
  bool feed(std::string_view bytes, std::string& out);
  bool finish(std::string& out);
  void abort(std::string_view message, std::string& out);
  const token_usage& usage() const { return usage_; }

 private:
  bool on_message(const codec::event_message& message, std::string& out);
  bool on_event(std::string_view type, std::string_view payload, std::string& out);
  void on_delta(const converse_delta& delta, std::string& out);
  bool on_message_stop(std::string_view payload, std::string& out);
  bool fail(std::string_view type, std::string_view message, std::string& out);

  codec::event_stream_decoder decoder_;
  message_writer writer_;
  std::string id_, model_;
  std::string stop_reason_;
  std::string raw_stop_;
  bool has_ended_ = false;
  bool has_failed_ = false;
  token_usage usage_;
};

}  // namespace understudy::translate
