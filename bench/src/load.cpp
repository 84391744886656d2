// The benchmark's client: one thread, epoll, a fixed number of keep-alive connections and requests.
// Every answer is checked; a wrong one is an error and the exit status is 1. Prints one line of
// JSON.
//   load run   --port N --reply SPEC --connections N --requests N --body BYTES [--model M]
//   [--translated 1] [--client chat|messages] load hold  --port N --reply SPEC --connections N ...
//   : one answer (or first event) on each connection,
//              prints "ready", keeps them open until standard input ends, checks that all still
//              live
//   load first --port N ... -- COMMAND...  : starts COMMAND, prints milliseconds from exec to the
//   first 200
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <memory>
#include <vector>

#include "common.hpp"
#include "replies.hpp"

namespace bench {
namespace {

struct client {
  int fd = -1;
  message_reader reader;
  std::size_t sent = 0;
  bool waits_for_write = false;
  bool is_ready = false;
  bool is_busy = false;
  std::uint64_t started_ns = 0;
  std::uint64_t content_events = 0;
  bool is_done_seen = false;
  std::string body;  // the whole body, or the unfinished event of a stream
};

class load {
 public:
  explicit load(const options& given)
      : epoll_(epoll_create1(0)),
        port_(given.number("port", 0)),
        spec_(reply_spec::parse(given.text("reply", "json:1024"))),
        is_translated_(given.number("translated", 0) != 0),
        is_messages_(given.text("client", "chat") == "messages"),
        requests_left_(given.number("requests", 1)),
        clients_(given.number("connections", 1)),
        expected_(chat_reply(spec_.bytes)) {
    const std::string body =
        chat_request(given.text("model", "bench"), spec_.is_stream, given.number("body", 1024));
    request_ =
        std::string("POST ") + (is_messages_ ? "/anthropic/v1/messages" : "/v1/chat/completions") +
        " HTTP/1.1\r\nhost: bench.local\r\nuser-agent: bench\r\n"
        "accept: */*\r\nauthorization: Bearer sk-bench\r\ncontent-type: application/json\r\n" +
        (is_translated_ ? "x-aigw-gcp-access-token: bench\r\n" : "") +
        "x-bench-reply: " + given.text("reply", "json:1024") +
        "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    latencies_.reserve(requests_left_);
  }

  int run() {
    const std::uint64_t began = now_ns();
    for (auto& one : clients_) {
      if (requests_left_ == 0 || !connect_one(one)) break;
      start(one);
    }
    while (busy_ > 0 && errors_ == 0) turn(10'000);
    print(now_ns() - began);
    return errors_ == 0 ? 0 : 1;
  }

  int hold() {
    is_holding_ = true;
    requests_left_ = clients_.size();
    for (auto& one : clients_) {
      if (!connect_one(one)) break;
      start(one);
      while (errors_ == 0 && !one.is_ready) turn(10'000);
      if (errors_ != 0) break;
    }
    if (errors_ == 0) {
      std::puts("ready");
      std::fflush(stdout);
      watch(epoll_, STDIN_FILENO, EPOLLIN | EPOLLHUP, nullptr, true);
      while (errors_ == 0 && !is_input_over_) turn(-1);
      check_alive();
    }
    print(0);
    return errors_ == 0 ? 0 : 1;
  }

  // One request on a connection of its own; false when the answer is not there yet or not right.
  bool try_once() {
    client one;
    one.fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(port_);
    bool is_right = false;
    if (connect(one.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(one.fd, request_.data(), request_.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request_.size())) {
      while (!one.reader.is_complete() && !one.reader.is_bad()) {
        const ssize_t got = recv(one.fd, buffer_, sizeof buffer_, 0);
        if (got <= 0) break;
        one.reader.feed({buffer_, static_cast<std::size_t>(got)}, [](std::string_view) {});
      }
      is_right = one.reader.is_complete() && one.reader.status() == 200;
    }
    close(one.fd);
    return is_right;
  }

 private:
  void fail(const std::string& why) {
    if (errors_++ == 0) first_error_ = why;
  }

  bool connect_one(client& one) {
    one.fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(port_);
    if (connect(one.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fail(std::string("connect: ") + std::strerror(errno));
      return false;
    }
    fcntl(one.fd, F_SETFL, O_NONBLOCK);
    make_quick(one.fd);
    watch(epoll_, one.fd, EPOLLIN, &one, true);
    return true;
  }

  void start(client& one) {
    --requests_left_;
    ++busy_;
    one.reader.reset();
    one.body.clear();
    one.content_events = 0;
    one.is_done_seen = false;
    one.sent = 0;
    one.is_busy = true;
    one.started_ns = now_ns();
    transmit(one);
  }

  void transmit(client& one) {
    while (one.sent < request_.size()) {
      const ssize_t sent =
          ::send(one.fd, request_.data() + one.sent, request_.size() - one.sent, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) {
        if (!one.waits_for_write) watch(epoll_, one.fd, EPOLLIN | EPOLLOUT, &one, false);
        one.waits_for_write = true;
        return;
      }
      if (sent <= 0) return fail(std::string("send: ") + std::strerror(errno));
      one.sent += static_cast<std::size_t>(sent);
    }
    if (one.waits_for_write) watch(epoll_, one.fd, EPOLLIN, &one, false);
    one.waits_for_write = false;
  }

  // One wait; `limit_ms` without any event is an error, -1 waits for ever.
  void turn(int limit_ms) {
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, limit_ms);
    if (count == 0) return fail("nothing happened for 10 s");
    for (int i = 0; i < count && errors_ == 0; ++i) {
      auto* one = static_cast<client*>(events[i].data.ptr);
      if (one == nullptr) {
        char ignored[64];
        if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) is_input_over_ = true;
        continue;
      }
      if (one->waits_for_write) transmit(*one);
      receive(*one);
    }
  }

  void receive(client& one) {
    for (;;) {
      const ssize_t got = recv(one.fd, buffer_, sizeof buffer_, 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got < 0) return fail(std::string("recv: ") + std::strerror(errno));
      if (got == 0) return fail("connection closed; head: " + one.reader.head().substr(0, 300));
      if (!one.is_busy) return fail("bytes after the end of an answer");
      std::string_view in(buffer_, static_cast<std::size_t>(got));
      in.remove_prefix(one.reader.feed(in, [&](std::string_view part) { take_body(one, part); }));
      if (one.reader.is_bad() || !in.empty()) return fail("malformed answer");
      if (one.reader.is_complete()) return finish(one);
      if (static_cast<std::size_t>(got) < sizeof buffer_) return;
    }
  }

  void take_body(client& one, std::string_view part) {
    one.body.append(part);
    if (!spec_.is_stream || one.reader.status() != 200) return;
    std::size_t begin = 0;
    for (;;) {
      const std::size_t end = one.body.find("\n\n", begin);
      if (end == std::string::npos) break;
      take_event(one, std::string_view(one.body).substr(begin, end + 2 - begin));
      begin = end + 2;
    }
    one.body.erase(0, begin);
  }

  void take_event(client& one, std::string_view event) {
    if (is_messages_ ? event.starts_with("event: message_stop") : event == done_event) {
      one.is_done_seen = true;
      return;
    }
    if (event == finish_event) return;
    if (!is_translated_ && event.size() != spec_.bytes) return fail("an event of wrong length");
    const std::string_view mark = is_messages_ ? R"("text":"x)" : R"("content":"x)";
    if (event.find(mark) != std::string_view::npos) ++one.content_events;
    if (one.content_events > 0) one.is_ready = true;
    if (spec_.gap_us == 0 || is_translated_) return;
    const std::size_t at = event.find(time_mark);
    if (at == std::string_view::npos) return fail("an event without its time");
    const std::uint64_t sent = read_hex(event.substr(at + time_mark.size(), time_digits));
    latencies_.push_back(now_ns() - sent);
  }

  void finish(client& one) {
    const std::uint64_t took = now_ns() - one.started_ns;
    check_answer(one);
    one.is_ready = true;
    one.is_busy = false;
    --busy_;
    ++finished_;
    events_ += one.content_events;
    if (!spec_.is_stream) latencies_.push_back(took);
    if (requests_left_ > 0 && !is_holding_) start(one);
  }

  void check_answer(const client& one) {
    const auto head = [&] { return "; head: " + one.reader.head() + one.body.substr(0, 300); };
    if (one.reader.status() != 200) return fail("status is not 200" + head());
    const std::string_view origin = one.reader.header("x-bench-origin:");
    if (!origin.empty() && origin != "primary") return fail("answered by the fallback");
    if (spec_.is_stream) {
      if (!one.is_done_seen) return fail("a stream without its end");
      if (one.content_events != spec_.events) {
        return fail("events: " + std::to_string(one.content_events) + head());
      }
    } else if (is_translated_) {
      const std::string sent = converse_reply(spec_.bytes);
      const auto text = sent.substr(sent.find("xxx"), sent.rfind("xxx") + 3 - sent.find("xxx"));
      if (one.body.find("\"content\":\"" + text + '"') == std::string::npos)
        fail("wrong text" + head());
    } else if (one.body != expected_) {
      fail("wrong body" + head());
    }
  }

  void check_alive() {
    char peeked;
    for (const auto& one : clients_) {
      const ssize_t got = recv(one.fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return fail("a held connection was closed");
    }
  }

  double percentile_us(double share) {
    if (latencies_.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1));
    const auto place = latencies_.begin() + static_cast<std::ptrdiff_t>(at);
    std::nth_element(latencies_.begin(), place, latencies_.end());
    return static_cast<double>(*place) / 1000.0;
  }

  void print(std::uint64_t wall_ns) {
    std::string why;
    for (const char byte : first_error_) {
      if (byte == '"' || byte == '\\') why.push_back('\\');
      why.push_back(byte >= ' ' ? byte : ' ');
    }
    std::printf(
        "{\"finished\":%llu,\"events\":%llu,\"errors\":%llu,\"first_error\":\"%s\","
        "\"p50_us\":%.2f,\"p99_us\":%.2f,\"wall_s\":%.4f}\n",
        static_cast<unsigned long long>(finished_), static_cast<unsigned long long>(events_),
        static_cast<unsigned long long>(errors_), why.c_str(), percentile_us(0.5),
        percentile_us(0.99), static_cast<double>(wall_ns) / 1e9);
  }

  int epoll_;
  std::uint64_t port_;
  reply_spec spec_;
  bool is_translated_;
  bool is_messages_;  // the client speaks Anthropic's API, not OpenAI's
  bool is_holding_ = false;
  bool is_input_over_ = false;
  std::uint64_t requests_left_;
  std::vector<client> clients_;
  std::string expected_;
  std::string request_;
  std::uint64_t busy_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t errors_ = 0;
  std::string first_error_;
  std::vector<std::uint64_t> latencies_;
  char buffer_[65536] = {};
};

int time_first_answer(const options& given, char** argv) {
  const auto client = std::make_unique<load>(given);
  const std::uint64_t began = now_ns();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t where;
    CPU_ZERO(&where);
    CPU_SET(given.number("cpu", 0), &where);
    if (given.number("cpu", 1000) != 1000) sched_setaffinity(0, sizeof where, &where);
    const int log =
        open(given.text("log", "/dev/null").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(argv[given.rest()], argv + given.rest());
    _exit(127);
  }
  const std::uint64_t limit = began + 30'000'000'000U;
  bool is_right = false;
  while (!is_right && now_ns() < limit) {
    is_right = client->try_once();
    if (!is_right) usleep(200);
  }
  const double took_ms = static_cast<double>(now_ns() - began) / 1e6;
  kill(child, SIGTERM);
  for (int waited = 0; waitpid(child, nullptr, WNOHANG) == 0; ++waited) {
    if (waited == 300) kill(child, SIGKILL);
    usleep(10'000);
  }
  std::printf("{\"errors\":%d,\"first_error\":\"%s\",\"first_ms\":%.3f}\n", is_right ? 0 : 1,
              is_right ? "" : "no 200 within 30 s", took_ms);
  return is_right ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc < 2) bench::die("usage: load run|hold|first --port N ...");
  const std::string_view mode = argv[1];
  const bench::options given(argc, argv, 2);
  if (mode == "first") return bench::time_first_answer(given, argv);
  const auto client = std::make_unique<bench::load>(given);
  return mode == "hold" ? client->hold() : client->run();
}
