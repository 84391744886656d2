// The benchmark's origin: a single-threaded epoll server that answers chat completions (OpenAI
// schema) and Bedrock Converse calls, whole or streamed, in cleartext and TLS, and streams of
// Gemini and Anthropic. The reply is what the request's x-bench-reply header asks for. usage:
// origin --port N --fallback N [--tls N --cert F --key F]
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <memory>
#include <queue>
#include <tuple>
#include <vector>

#include "common.hpp"
#include "replies.hpp"

namespace bench {
namespace {

struct listener {
  int fd = -1;
  bool is_secure = false;
  std::string_view name;
};

struct connection {
  int fd = -1;
  std::uint64_t generation = 0;
  const listener* from = nullptr;
  SSL* tls = nullptr;
  message_reader reader;
  std::string out;
  std::size_t out_at = 0;
  bool waits_for_write = false;
  bool is_streaming = false;
  reply_spec spec;
  std::uint64_t events_left = 0;
  std::shared_ptr<const stream_pieces> pieces;
};

class origin {
 public:
  explicit origin(const options& given)
      : epoll_(epoll_create1(0)),
        is_anywhere_(given.number("anywhere", 0) != 0),
        stream_(given.text("stream", "sse:100:100:0")) {
    listeners_.reserve(3);
    open(given.number("port", 0), false, "primary");
    open(given.number("fallback", 0), false, "fallback");
    if (given.number("tls", 0) != 0) {
      tls_.reset(SSL_CTX_new(TLS_server_method()));
      if (SSL_CTX_use_certificate_chain_file(tls_.get(), given.text("cert").c_str()) != 1 ||
          SSL_CTX_use_PrivateKey_file(tls_.get(), given.text("key").c_str(), SSL_FILETYPE_PEM) !=
              1) {
        die("cannot read --cert or --key");
      }
      open(given.number("tls", 0), true, "primary");
    }
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      timespec wait{};
      const int count = epoll_pwait2(epoll_, events, 256, wait_time(wait), nullptr);
      for (int i = 0; i < count; ++i) {
        auto* owner = events[i].data.ptr;
        if (owner >= listeners_.data() && owner < listeners_.data() + listeners_.size()) {
          accept_all(*static_cast<listener*>(owner));
        } else {
          serve(*static_cast<connection*>(owner));
        }
      }
      send_due();
    }
  }

 private:
  using due_event = std::tuple<std::uint64_t, connection*, std::uint64_t>;
  struct tls_deleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  void open(std::uint64_t port, bool is_secure, std::string_view name) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback(port);
    if (is_anywhere_) address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 4096) != 0) {
      die("cannot listen on port " + std::to_string(port));
    }
    listeners_.push_back({fd, is_secure, name});
    watch(epoll_, fd, EPOLLIN, &listeners_.back(), true);
  }

  void accept_all(const listener& from) {
    for (;;) {
      const int fd = accept4(from.fd, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      make_quick(fd);
      connection& made = take_slot();
      made.fd = fd;
      made.from = &from;
      if (from.is_secure) {
        made.tls = SSL_new(tls_.get());
        SSL_set_fd(made.tls, fd);
        SSL_set_accept_state(made.tls);
      }
      watch(epoll_, fd, EPOLLIN, &made, true);
    }
  }

  connection& take_slot() {
    if (free_.empty()) {
      all_.push_back(std::make_unique<connection>());
      return *all_.back();
    }
    connection* slot = free_.back();
    free_.pop_back();
    const std::uint64_t generation = slot->generation;
    *slot = connection{};
    slot->generation = generation;
    return *slot;
  }

  void close_one(connection& one) {
    if (one.fd < 0) return;
    if (one.tls != nullptr) SSL_free(one.tls);
    close(one.fd);
    one.tls = nullptr;
    one.fd = -1;
    ++one.generation;  // events still queued for this slot are for its past
    one.is_streaming = false;
    closed_.push_back(&one);
  }

  // Bytes read, 0 at the end of the stream or on error, -1 when there is nothing now.
  static ssize_t receive(connection& one, char* into, std::size_t room) {
    if (one.tls == nullptr) {
      const ssize_t got = recv(one.fd, into, room, 0);
      return got >= 0 ? got : (errno == EAGAIN ? -1 : 0);
    }
    ERR_clear_error();
    const int got = SSL_read(one.tls, into, static_cast<int>(room));
    if (got > 0) return got;
    const int why = SSL_get_error(one.tls, got);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : 0;
  }

  static ssize_t transmit(connection& one, const char* from, std::size_t size) {
    if (one.tls == nullptr) {
      const ssize_t sent = send(one.fd, from, size, MSG_NOSIGNAL);
      return sent >= 0 ? sent : (errno == EAGAIN ? -1 : 0);
    }
    ERR_clear_error();
    const int sent = SSL_write(one.tls, from, static_cast<int>(size));
    if (sent > 0) return sent;
    const int why = SSL_get_error(one.tls, sent);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : 0;
  }

  void serve(connection& one) {
    if (one.fd < 0) return;
    flush(one);
    while (one.fd >= 0) {
      const ssize_t got = receive(one, buffer_, sizeof buffer_);
      if (got < 0) return;
      if (got == 0) return close_one(one);
      std::string_view in(buffer_, static_cast<std::size_t>(got));
      while (!in.empty() && one.fd >= 0) {
        in.remove_prefix(one.reader.feed(in, [](std::string_view) {}));
        if (one.reader.is_bad()) return close_one(one);
        if (one.reader.is_complete()) {
          answer(one);
          one.reader.reset();
        }
      }
      // A short read means there is no more; TLS may hold a further record.
      if (one.tls == nullptr && static_cast<std::size_t>(got) < sizeof buffer_) return;
    }
  }

  void answer(connection& one) {
    const std::string& head = one.reader.head();
    const std::string_view target = std::string_view(head).substr(0, head.find("\r\n"));
    const wire as = wire_of(target);
    const std::string_view asked = one.reader.header("x-bench-reply:");
    one.spec = reply_spec::parse(!asked.empty()                         ? asked
                                 : target.find("stream") != target.npos ? stream_
                                                                        : "json:1024");
    if (!one.spec.is_stream) {
      auto& reply = whole_[{as, one.from->name == "primary", one.spec.bytes}];
      if (reply.empty()) reply = whole_reply(as, one.from->name, one.spec.bytes);
      one.out.append(reply);
      return flush(one);
    }
    auto& pieces = streams_[{as, one.from->name == "primary", one.spec.bytes}];
    if (pieces == nullptr)
      pieces = std::make_shared<stream_pieces>(make_stream(as, one.from->name, one.spec.bytes));
    one.pieces = pieces;
    one.events_left = one.spec.events;
    one.is_streaming = true;
    one.out.append(one.pieces->first);
    send_event(one);
    if (!one.is_streaming) return;
    if (one.spec.gap_us == 0) {
      hot_.push_back(&one);
    } else {
      // The first gap is cut differently for each stream, so that they do not all speak at once.
      spread_ = (spread_ * 6364136223846793005U + 1442695040888963407U);
      const std::uint64_t gap_ns = one.spec.gap_us * 1000;
      queue_.emplace(now_ns() + gap_ns * ((spread_ >> 40U) & 1023U) / 1024U, &one, one.generation);
    }
  }

  void send_event(connection& one) {
    const std::size_t at = one.out.size();
    one.out.append(one.pieces->event);
    if (one.pieces->time_at != std::string::npos) {
      write_hex(one.out.data() + at + one.pieces->time_at, now_ns());
    }
    if (--one.events_left == 0) {
      one.out.append(one.pieces->last);
      one.is_streaming = false;
    }
    flush(one);
  }

  void flush(connection& one) {
    while (one.out_at < one.out.size()) {
      const ssize_t sent = transmit(one, one.out.data() + one.out_at, one.out.size() - one.out_at);
      if (sent == 0) return close_one(one);
      if (sent < 0) {
        if (!one.waits_for_write) watch(epoll_, one.fd, EPOLLIN | EPOLLOUT, &one, false);
        one.waits_for_write = true;
        return;
      }
      one.out_at += static_cast<std::size_t>(sent);
    }
    one.out.clear();
    one.out_at = 0;
    if (one.waits_for_write) watch(epoll_, one.fd, EPOLLIN, &one, false);
    one.waits_for_write = false;
  }

  // How long to sleep; null without end. Finer than a millisecond, so that streams do not clot
  // together.
  const timespec* wait_time(timespec& wait) const {
    for (const connection* one : hot_) {
      if (!one->waits_for_write) return &wait;
    }
    if (queue_.empty()) return nullptr;
    const std::uint64_t now = now_ns();
    const std::uint64_t due = std::get<0>(queue_.top());
    if (due > now) {
      wait.tv_sec = static_cast<time_t>((due - now) / 1'000'000'000U);
      wait.tv_nsec = static_cast<long>((due - now) % 1'000'000'000U);
    }
    return &wait;
  }

  void send_due() {
    for (std::size_t i = 0; i < hot_.size();) {
      connection& one = *hot_[i];
      if (one.fd >= 0 && one.is_streaming && !one.waits_for_write) send_event(one);
      if (one.fd >= 0 && one.is_streaming) {
        ++i;
      } else {
        hot_[i] = hot_.back();
        hot_.pop_back();
      }
    }
    const std::uint64_t now = now_ns();
    while (!queue_.empty() && std::get<0>(queue_.top()) <= now) {
      const auto [due, one, generation] = queue_.top();
      queue_.pop();
      if (one->generation != generation || !one->is_streaming) continue;
      send_event(*one);
      if (one->is_streaming) queue_.emplace(due + one->spec.gap_us * 1000, one, generation);
    }
    free_.insert(free_.end(), closed_.begin(), closed_.end());
    closed_.clear();
  }

  int epoll_;
  bool is_anywhere_;    // on every address, not only 127.0.0.1
  std::string stream_;  // what a translated request gets, which carries no header of the client's
  std::vector<listener> listeners_;
  std::unique_ptr<SSL_CTX, tls_deleter> tls_;
  std::vector<std::unique_ptr<connection>> all_;
  std::vector<connection*> free_;
  std::vector<connection*> closed_;  // freed only after the events of this turn
  std::vector<connection*> hot_;     // streams without gap
  std::priority_queue<due_event, std::vector<due_event>, std::greater<>> queue_;
  std::map<std::tuple<wire, bool, std::uint64_t>, std::string> whole_;
  std::map<std::tuple<wire, bool, std::uint64_t>, std::shared_ptr<const stream_pieces>> streams_;
  std::uint64_t spread_ = 1;
  char buffer_[262144] = {};
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto server = std::make_unique<bench::origin>(bench::options(argc, argv, 1));
  server->run();
}
