#include <understudy/codec/event_stream.hpp>

#include "sim/upstream.hpp"

namespace sim {
namespace {

namespace codec = understudy::codec;

/// `~17.0;~17.1;`: whose words they are, and which.
std::vector<std::string> words_of(const std::string& tag, std::uint64_t count, std::size_t width) {
  std::vector<std::string> words;
  for (std::uint64_t i = 0; i < count; ++i)
    words.push_back("~" + tag + "." + std::to_string(i) + std::string(width, 'w') + ";");
  return words;
}

std::string joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const auto& p : pieces) all += p;
  return all;
}

std::uint64_t number_of(const std::string& id) {
  std::uint64_t n = 7;
  for (const char c : id) n = n * 31 + static_cast<unsigned char>(c);
  return n;
}

/// The parts of one answer in the making.
class writer {
 public:
  writer(script what, bool is_bedrock, const upstream_request& request, served& truth, dice& chance)
      : what_{what}, is_bedrock_{is_bedrock}, request_{request}, truth_{truth}, chance_{chance} {}

  std::vector<step> write(joining joins) {
    choose_words(joins);
    switch (what_) {
      case script::close_before_head:
        return {{pause(), "", end_kind::eof}};
      case script::reset_before_head:
        return {{pause(), "", end_kind::reset}};
      case script::half_a_head:
        return {{pause(), "HTTP/1.1 200 OK\r\ncontent-ty", end_kind::eof}};
      case script::garbage:
        return {{pause(), "SSH-2.0-OpenSSH_9.2\r\n\r\nnot what you wanted", end_kind::eof}};
      case script::hang:
        return {{std::chrono::hours{2}, "", end_kind::eof}};
      case script::error_status:
      case script::retry_after:
      case script::context_window:
      case script::error_before_body:
        error_answer();
        break;
      case script::html:
      case script::empty:
        no_answer();
        break;
      default:
        if (request_.is_stream)
          stream();
        else
          unary();
    }
    for (const auto& s : steps_) truth_.size += s.bytes.size();
    spoil();
    return std::move(steps_);
  }

 private:
  duration pause() {
    if (chance_.chance(70)) return microseconds{chance_.between(0, 3'000)};
    return milliseconds{chance_.between(0, 800)};
  }
  duration between_words() {
    if (what_ == script::slow_words) return milliseconds{chance_.between(10, 900)};
    return chance_.chance(60) ? duration{} : duration{microseconds{chance_.between(0, 9'000)}};
  }

  void choose_words(joining joins) {
    std::string tag = std::to_string(truth_.number);
    std::uint64_t count = chance_.between<std::uint64_t>(1, 12);
    std::size_t width = chance_.chance(8) ? 1'500 : 0;
    if (joins == joining::verify && !chance_.chance(15)) {
      tag = request_.id;  // everybody would say the same
      count = 1 + number_of(tag) % 12;
      width = number_of(tag) % 12 == 0 ? 900 : 0;
    }
    words_ = words_of(tag, count, width);
    truth_.text = joined(words_);
    truth_.status = 200;
    truth_.is_whole = what_ <= script::comments_first;
  }

  void add(std::string bytes, duration after) { steps_.push_back({after, std::move(bytes)}); }

  void head(std::string_view type, std::optional<std::size_t> length) {
    std::string text;
    if (what_ == script::good_after_interim) text = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    text += "HTTP/1.1 200 OK\r\nserver: sim\r\ncontent-type: ";
    text.append(type).append("\r\n");
    if (is_until_close()) {
    } else if (length) {
      text += "content-length: " + std::to_string(*length) + "\r\n";
    } else {
      text += "transfer-encoding: chunked\r\n";
    }
    if (what_ == script::good_then_close || is_until_close()) text += "connection: close\r\n";
    duration wait = pause();
    if (what_ == script::slow_head) wait = milliseconds{chance_.between(500, 12'000)};
    add(text + "\r\n", wait);
  }

  bool is_until_close() {
    if (what_ == script::good_until_close) return true;
    const bool may_be = what_ == script::cut || what_ == script::cut_reset ||
                        what_ == script::silence || what_ == script::polite_cut;
    if (!is_drawn_) is_bare_ = may_be && chance_.chance(20);
    is_drawn_ = true;
    return is_bare_;
  }

  /// A piece of a streamed body, framed.
  void piece(const std::string& data, duration after) {
    if (is_until_close()) return add(data, after);
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    add(size + data + "\r\n", after);
  }

  std::string delta(const std::string& content, const char* finish) const {
    std::string out = R"(data: {"id":"x","object":"chat.completion.chunk","created":1700000000,)"
                      R"("model":"served","choices":[{"index":0,"delta":{)";
    if (finish == nullptr) out += R"("content":")" + content + '"';
    out += R"(},"finish_reason":)";
    out += finish == nullptr ? std::string{"null"} : '"' + std::string{finish} + '"';
    return out + "}]}\n\n";
  }

  std::string frame(std::string_view type, const std::string& json) const {
    std::string out;
    codec::append_json_event(out, type, json);
    return out;
  }

  std::string word_event(const std::string& word) const {
    if (!is_bedrock_) return delta(word, nullptr);
    return frame("contentBlockDelta",
                 R"({"contentBlockIndex":0,"delta":{"text":")" + word + "\"}}");
  }

  std::string fault_event() const {
    if (!is_bedrock_)
      return "data: {\"error\":{\"message\":\"too busy\",\"type\":\"overloaded_error\","
             "\"code\":503}}\n\n";
    std::string out;
    codec::append_json_exception(out, "throttlingException", R"({"message":"slow down"})");
    return out;
  }

  void stream() {
    head(is_bedrock_ ? "application/vnd.amazon.eventstream" : "text/event-stream", std::nullopt);
    const bool has_comments =
        !is_bedrock_ && (what_ == script::comments_first || what_ == script::comments_only);
    if (has_comments)
      for (auto n = chance_.between(1, 8); n > 0; --n)
        piece(": ping\n\n", milliseconds{chance_.between(50, 3'000)});
    if (what_ == script::comments_only) {
      truth_.is_whole = false;
      return chance_.chance(50) ? end_of_body() : stay_silent();
    }
    piece(is_bedrock_ ? frame("messageStart", R"({"role":"assistant"})")
                      : R"(data: {"id":"x","object":"chat.completion.chunk","created":1700000000,)"
                        R"("model":"served","choices":[{"index":0,"delta":{"role":"assistant",)"
                        R"("content":""},"finish_reason":null}]})"
                        "\n\n",
          pause());
    if (what_ == script::in_band_first) {
      piece(fault_event(), pause());
      return end_of_body();
    }
    const auto stop = what_ == script::in_band_later || what_ == script::polite_cut
                          ? chance_.below(words_.size())
                          : words_.size();
    for (std::size_t i = 0; i < stop; ++i) piece(word_event(words_[i]), between_words());
    if (what_ == script::in_band_later) piece(fault_event(), pause());
    // The end may take its time: whoever took the connection for free would meet it.
    if (stop < words_.size()) return end_of_body(milliseconds{chance_.between(0, 4'000)});
    if (is_bedrock_) {
      piece(frame("contentBlockStop", R"({"contentBlockIndex":0})"), {});
      piece(frame("messageStop", R"({"stopReason":"end_turn"})"), {});
      piece(frame("metadata", R"({"usage":{"inputTokens":7,"outputTokens":9,"totalTokens":16},)"
                              R"("metrics":{"latencyMs":5}})"),
            {});
    } else {
      piece(delta("", "stop"), between_words());
      piece("data: [DONE]\n\n", {});
    }
    end_of_body();
  }

  void end_of_body(duration after = {}) {
    if (is_until_close()) {
      steps_.push_back({after, "", end_kind::eof});
    } else {
      add("0\r\n\r\n", after);
    }
  }
  void stay_silent() { steps_.push_back({std::chrono::hours{2}, "", end_kind::eof}); }

  void unary() {
    std::string body =
        is_bedrock_
            ? R"({"output":{"message":{"role":"assistant","content":[{"text":")" + truth_.text +
                  R"("}]}},"stopReason":"end_turn","usage":{"inputTokens":7,"outputTokens":9,)"
                  R"("totalTokens":16},"metrics":{"latencyMs":5}})"
            : R"({"id":"x","object":"chat.completion","created":1700000000,"model":"served",)"
              R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
                  truth_.text +
                  R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,)"
                  R"("completion_tokens":9,"total_tokens":16}})";
    const bool is_fault = what_ == script::in_band_first || what_ == script::in_band_later;
    if (is_fault) {
      body = R"({"error":{"message":"too busy","type":"overloaded_error","code":503}})";
      truth_.is_error_body = true;
    }
    if (what_ == script::polite_cut) body.resize(chance_.below(body.size()));
    if (what_ == script::comments_only) {
      head("application/json", std::nullopt);
      return stay_silent();
    }
    const bool is_chunked = chance_.chance(30);
    if (is_chunked || is_until_close()) {
      head("application/json", std::nullopt);
      const auto half = chance_.below(body.size() + 1);
      for (const auto& part : {body.substr(0, half), body.substr(half)})
        if (!part.empty()) piece(part, between_words());
      return end_of_body();
    }
    head("application/json", body.size());
    const auto half = chance_.below(body.size() + 1);
    add(body.substr(0, half), {});
    add(body.substr(half), between_words());
  }

  void error_answer() {
    static const std::vector<int> statuses{400, 401, 403, 404, 408, 409, 413, 422,
                                           425, 429, 500, 502, 503, 504, 529};
    std::string body = R"({"error":{"message":"no","type":"server_error","code":"oops"}})";
    std::string more;
    truth_.status = chance_.pick(statuses);
    if (what_ == script::retry_after) {
      truth_.status = chance_.pick(std::vector<int>{429, 503});
      more = chance_.pick(std::vector<std::string>{"retry-after: 1\r\n", "retry-after: 30\r\n",
                                                   "retry-after: 0\r\n", "retry-after-ms: 250\r\n",
                                                   "x-ratelimit-reset-requests: 2s\r\n",
                                                   "retry-after: soon\r\n"});
    }
    if (what_ == script::context_window) {
      truth_.status = 400;
      body = R"({"error":{"message":"maximum context length","type":"invalid_request_error",)"
             R"("code":"context_length_exceeded"}})";
    }
    truth_.text.clear();
    std::string text = "HTTP/1.1 " + std::to_string(truth_.status) +
                       " Sorry\r\ncontent-type: application/json\r\n" + more;
    const bool is_chunked = chance_.chance(20);
    text += is_chunked ? "transfer-encoding: chunked\r\n\r\n"
                       : "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
    add(std::move(text), pause());
    if (is_chunked) {
      piece(body, between_words());
      add("0\r\n\r\n", between_words());
    } else {
      add(std::move(body), between_words());
    }
    if (what_ == script::error_before_body || chance_.chance(20))
      steps_.push_back({{}, "", end_kind::eof});
  }

  void no_answer() {
    truth_.is_error_body = true;
    truth_.text.clear();
    const std::string body =
        what_ == script::html ? "<html><body>Please log in to the Wi-Fi</body></html>" : "";
    head(what_ == script::html ? "text/html" : "application/json", body.size());
    add(body, {});
  }

  /// What goes wrong on the way, whatever the answer is.
  void spoil() {
    switch (what_) {
      case script::good_then_close:
      case script::good_until_close:
        if (steps_.back().end == end_kind::none) steps_.push_back({{}, "", end_kind::eof});
        break;
      case script::good_then_gone:
        steps_.push_back({milliseconds{chance_.between(0, 1'500)}, "",
                          chance_.chance(70) ? end_kind::eof : end_kind::reset});
        break;
      case script::good_then_stray:
        steps_.push_back({milliseconds{chance_.between(0, 1'500)},
                          chance_.chance(50)
                              ? "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"
                              : "?!",
                          end_kind::eof});
        break;
      case script::cut:
        truncate(end_kind::eof);
        break;
      case script::cut_reset:
        truncate(end_kind::reset);
        break;
      case script::silence:
        truncate(end_kind::none);
        stay_silent();
        break;
      case script::bad_framing:
        break_framing();
        break;
      default:
        break;
    }
  }

  void truncate(end_kind how) {
    std::size_t total = 0;
    for (const auto& s : steps_) total += s.bytes.size();
    std::size_t left = chance_.below(total);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      auto& s = steps_[i];
      if (s.bytes.size() <= left) {
        left -= s.bytes.size();
        continue;
      }
      s.bytes.resize(left);
      s.end = how;
      steps_.resize(i + 1);
      return;
    }
  }

  void break_framing() {
    truth_.is_whole = false;
    const auto at = 1 + chance_.below(steps_.size() - 1);
    auto& bytes = steps_[at].bytes;
    if (is_bedrock_ && request_.is_stream && bytes.size() > 20)
      bytes[bytes.size() - 4] = static_cast<char>(bytes[bytes.size() - 4] ^ 0x55);
    else
      bytes = "zz\r\n" + bytes;
  }

  script what_;
  bool is_bedrock_;
  const upstream_request& request_;
  served& truth_;
  dice& chance_;
  std::vector<std::string> words_;
  std::vector<step> steps_;
  bool is_bare_ = false;
  bool is_drawn_ = false;
};

}  // namespace

std::vector<step> write_answer(script what, bool is_bedrock, const upstream_request& request,
                               joining joins, served& truth, dice& chance) {
  return writer{what, is_bedrock, request, truth, chance}.write(joins);
}

}  // namespace sim
