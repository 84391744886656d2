// The floor under every proxy: bytes copied between pairs of sockets by a bare epoll loop, with no
// parsing, no choice, no log and no limit. usage: relay --port N --to N
#include <csignal>
#include <memory>
#include <vector>

#include "common.hpp"

namespace bench {
namespace {

struct side {
  int fd = -1;
  side* other = nullptr;
  std::string held;  // read from the other side, not yet taken by this one
  bool is_over = false;
};

class relay {
 public:
  explicit relay(const options& given) : epoll_(epoll_create1(0)), to_(given.number("to", 0)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(given.number("port", 0));
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 4096) != 0) {
      die("cannot listen");
    }
    watch(epoll_, listener_, EPOLLIN, nullptr, true);
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        auto* one = static_cast<side*>(events[i].data.ptr);
        if (one == nullptr) {
          accept_all();
        } else if (!one->is_over) {
          serve(*one, events[i].events);
        }
      }
      over_.clear();
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int down = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (down < 0) return;
      const int up = socket(AF_INET, SOCK_STREAM, 0);
      const sockaddr_in address = loopback(to_);
      if (connect(up, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(up);
        close(down);
        continue;
      }
      fcntl(up, F_SETFL, O_NONBLOCK);
      auto* a = new side;
      auto* b = new side;
      *a = {down, b, {}, false};
      *b = {up, a, {}, false};
      for (side* one : {a, b}) {
        make_quick(one->fd);
        watch(epoll_, one->fd, EPOLLIN, one, true);
      }
    }
  }

  void serve(side& one, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) drain(one);
    if (one.is_over || !one.other->held.empty() || (events & (EPOLLIN | EPOLLHUP)) == 0) return;
    const ssize_t got = recv(one.fd, buffer_, sizeof buffer_, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return finish(one);
    const ssize_t sent = std::max<ssize_t>(
        0, ::send(one.other->fd, buffer_, static_cast<std::size_t>(got), MSG_NOSIGNAL));
    if (sent == got) return;
    one.other->held.assign(buffer_ + sent, static_cast<std::size_t>(got - sent));
    watch(epoll_, one.other->fd, EPOLLOUT, one.other, false);
    watch(epoll_, one.fd, 0, &one, false);
  }

  void drain(side& one) {
    const ssize_t sent = ::send(one.fd, one.held.data(), one.held.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return finish(one);
    one.held.erase(0, static_cast<std::size_t>(std::max<ssize_t>(0, sent)));
    if (!one.held.empty()) return;
    watch(epoll_, one.fd, EPOLLIN, &one, false);
    watch(epoll_, one.other->fd, EPOLLIN, one.other, false);
  }

  void finish(side& one) {
    for (side* ended : {&one, one.other}) {
      close(ended->fd);
      ended->is_over = true;
      over_.emplace_back(ended);  // freed after this turn, whose events may still name it
    }
  }

  int epoll_;
  int listener_ = -1;
  std::uint64_t to_;
  std::vector<std::unique_ptr<side>> over_;
  char buffer_[65536] = {};
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto pairs = std::make_unique<bench::relay>(bench::options(argc, argv, 1));
  pairs->run();
}
