// Shared by the benchmark's origin and load generator: sockets, clock, payloads and a small
// HTTP/1.1 reader. It trusts its peer (loopback only) and is not a general parser.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <string_view>

namespace bench {

inline std::uint64_t now_ns() {
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(at.tv_nsec);
}

[[noreturn]] inline void die(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

inline std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size())
    die("not a number: " + std::string(text));
  return value;
}

// --name value pairs, all of them strings.
class options {
 public:
  options(int argc, char** argv, int first) {
    for (int i = first; i + 1 < argc; i += 2) {
      const std::string_view name = argv[i];
      if (name == "--") {
        rest_ = i + 1;
        break;
      }
      if (name.substr(0, 2) != "--") die("expected --name, got " + std::string(name));
      values_[std::string(name.substr(2))] = argv[i + 1];
    }
  }
  std::string text(const std::string& name, const std::string& fallback = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : found->second;
  }
  std::uint64_t number(const std::string& name, std::uint64_t fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : to_number(found->second);
  }
  int rest() const { return rest_; }

 private:
  std::map<std::string, std::string> values_;
  int rest_ = 0;
};

inline sockaddr_in loopback(std::uint64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void make_quick(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline void watch(int epoll, int fd, std::uint32_t events, void* owner, bool is_new) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = owner;
  if (epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0) {
    die(std::string("epoll_ctl: ") + std::strerror(errno));
  }
}

// What a request asks the origin for, and so what the client expects back. Text form:
// json:BYTES | sse:EVENTS:BYTES:GAP_US. It travels in the request header x-bench-reply.
struct reply_spec {
  bool is_stream = false;
  std::uint64_t events = 0;
  std::uint64_t bytes = 1024;
  std::uint64_t gap_us = 0;

  static reply_spec parse(std::string_view text) {
    reply_spec spec;
    std::uint64_t numbers[3] = {0, 0, 0};
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) die("bad reply: " + std::string(text));
    spec.is_stream = text.substr(0, colon) == "sse";
    text.remove_prefix(colon + 1);
    for (auto& number : numbers) {
      const auto next = text.find(':');
      number = to_number(text.substr(0, next));
      if (next == std::string_view::npos) break;
      text.remove_prefix(next + 1);
    }
    if (spec.is_stream) {
      spec.events = numbers[0];
      spec.bytes = numbers[1];
      spec.gap_us = numbers[2];
    } else {
      spec.bytes = numbers[0];
    }
    return spec;
  }
};

inline std::string padded(std::string_view before, std::string_view after, std::size_t total) {
  const std::size_t fixed = before.size() + after.size();
  std::string text(before);
  text.append(total > fixed ? total - fixed : 1, 'x');
  text.append(after);
  return text;
}

// Of both of the client's APIs: what the other doesn't need it allows.
inline std::string chat_request(std::string_view model, bool is_stream, std::size_t total) {
  const std::string head = R"({"model":")" + std::string(model) + R"(","stream":)" +
                           (is_stream ? "true" : "false") +
                           R"(,"max_tokens":4096,"messages":[{"role":"user","content":")";
  return padded(head, R"("}]})", total);
}

inline std::string chat_reply(std::size_t total) {
  return padded(
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench",)"
      R"("choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":")",
      R"("}}],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}})", total);
}

constexpr std::string_view time_mark = R"("t":")";
constexpr std::size_t time_digits = 16;
constexpr std::string_view done_event = "data: [DONE]\n\n";
constexpr std::string_view finish_event =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

constexpr std::string_view before_text =
    R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":")";
constexpr std::string_view behind_text = "\"}}],\"t\":\"0000000000000000\"}\n\n";

// One SSE event of `total` bytes; its 16 hex digits after time_mark are overwritten with the send
// time.
inline std::string chat_event(std::size_t total) { return padded(before_text, behind_text, total); }

// Its text, which is the same in every other schema.
inline std::string text_of_event(std::size_t total) {
  const std::size_t size = chat_event(total).size() - before_text.size() - behind_text.size();
  return std::string(size, 'x');
}

inline void write_hex(char* out, std::uint64_t value) {
  for (std::size_t i = time_digits; i-- > 0; value >>= 4U) out[i] = "0123456789abcdef"[value & 15U];
}

inline std::uint64_t read_hex(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

// Reads one message at a time: head, then body by content-length or chunked. Body bytes go to a
// sink.
class message_reader {
 public:
  bool has_head() const { return phase_ != phase::head; }
  bool is_complete() const { return phase_ == phase::complete; }
  bool is_bad() const { return phase_ == phase::bad; }
  const std::string& head() const { return head_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

  int status() const { return head_.size() < 12 ? 0 : std::atoi(head_.c_str() + 9); }

  // Value of a header given in lower case with its colon, or empty.
  std::string_view header(std::string_view name) const {
    for (std::size_t at = head_.find("\r\n"); at != std::string::npos;
         at = head_.find("\r\n", at)) {
      at += 2;
      if (at + name.size() > head_.size()) break;
      if (strncasecmp(head_.data() + at, name.data(), name.size()) != 0) continue;
      std::string_view value(head_);
      value = value.substr(at + name.size(), head_.find("\r\n", at) - at - name.size());
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      return value;
    }
    return {};
  }

  void reset() {
    head_.clear();
    body_bytes_ = left_ = 0;
    phase_ = phase::head;
  }

  // Takes bytes up to the end of the message; returns how many it used.
  template <class Sink>
  std::size_t feed(std::string_view in, Sink&& sink) {
    const std::size_t given = in.size();
    while (!in.empty() && phase_ != phase::complete && phase_ != phase::bad) {
      if (phase_ == phase::head) {
        take_head(in);
      } else if (phase_ == phase::counted || phase_ == phase::chunk_data) {
        const std::size_t part = std::min<std::uint64_t>(left_, in.size());
        sink(in.substr(0, part));
        body_bytes_ += part;
        left_ -= part;
        in.remove_prefix(part);
        if (left_ == 0) enter(phase_ == phase::counted ? phase::complete : phase::chunk_end);
      } else {
        take_line_byte(in.front());
        in.remove_prefix(1);
      }
    }
    return given - in.size();
  }

 private:
  enum class phase { head, counted, chunk_size, chunk_data, chunk_end, trailer, complete, bad };

  void enter(phase next) {
    phase_ = next;
    line_.clear();
  }

  void take_head(std::string_view& in) {
    const std::size_t before = head_.size();
    head_.append(in);
    const std::size_t end = head_.find("\r\n\r\n", before > 3 ? before - 3 : 0);
    if (end == std::string::npos) {
      in = {};
      if (head_.size() > 65536) phase_ = phase::bad;
      return;
    }
    in.remove_prefix(end + 4 - before);
    head_.resize(end + 2);
    const std::string_view length = header("content-length:");
    if (!header("transfer-encoding:").empty()) {
      enter(phase::chunk_size);
    } else {
      left_ = length.empty() ? 0 : to_number(length);
      enter(left_ == 0 ? phase::complete : phase::counted);
    }
  }

  void take_line_byte(char byte) {
    if (byte == '\r') return;
    if (byte != '\n') {
      line_.push_back(byte);
      if (line_.size() > 64) phase_ = phase::bad;
      return;
    }
    if (phase_ == phase::chunk_end) {
      enter(line_.empty() ? phase::chunk_size : phase::bad);
    } else if (phase_ == phase::trailer) {
      enter(line_.empty() ? phase::complete : phase::trailer);
    } else {
      const auto [end, ec] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
      if (ec != std::errc{}) {
        enter(phase::bad);
      } else {
        enter(left_ == 0 ? phase::trailer : phase::chunk_data);
      }
    }
  }

  phase phase_ = phase::head;
  std::string head_;
  std::string line_;
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace bench
