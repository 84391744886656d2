#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// Base of the translators that write a provider's answer anew, whole or as a stream: what they
/// have in common of the way there and back. A pair says what it asks, how its stream begins, and
/// what becomes of a whole answer and of an error.
namespace understudy::translate {

class answer_translator : public translator {
 public:
  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) final;
  response_plan head(const codec::response_head& head, base::wall_time now) final;
  base::result<reply, refusal> whole(const codec::response_head& head, std::string_view body) final;

 protected:
  /// Target, body and what is dropped. model() and is_stream() are known; the fields that follow
  /// from them are added behind it.
  virtual base::result<upstream_request, refusal> ask(const request_view& original,
                                                      const backend_view& backend) = 0;
  /// Content type of the upstream's streams.
  virtual std::string_view stream_type() const { return "text/event-stream"; }
  /// An answer has begun, of whatever kind.
  virtual void begin(const codec::response_head& head, base::wall_time now,
                     response_plan& plan) = 0;
  virtual void begin_stream() = 0;
  /// Body of an answer that is no 2xx.
  virtual std::string error_answer(const codec::response_head& head, std::string_view body) = 0;
  /// An error inside a 2xx answer, where the provider has that.
  virtual std::optional<refusal> fault_in(std::string_view /*body*/) { return std::nullopt; }
  virtual base::result<std::string, refusal> answer(std::string_view body) = 0;

  const std::string& model() const { return model_; }  ///< the override, or the client's
  bool is_stream() const { return is_stream_; }        ///< the client asked for one

 private:
  std::string model_;
  bool is_stream_ = false;
};

/// With the stream that the events go through.
template <class Stream>
class stream_translator : public answer_translator {
 public:
  bool feed(std::string_view bytes, std::string& out) final {
    return stream_ && stream_->feed(bytes, out);
  }
  bool finish(std::string& out) final { return stream_ && stream_->finish(out); }
  void abort(std::string_view message, std::string& out) final {
    if (stream_) stream_->abort(message, out);
  }
  token_usage usage() const final { return stream_ ? stream_->usage() : usage_; }

 protected:
  std::optional<Stream> stream_;
  token_usage usage_;  ///< of a whole answer
};

/// `chatcmpl-…` of the time, where the upstream names no id of its own.
std::string completion_id_of(base::wall_time now);

}  // namespace understudy::translate
