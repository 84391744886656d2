#include <understudy/telemetry/fd_writer.hpp>

#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"

using understudy::telemetry::fd_writer;

namespace {

struct pair_of_fds {
  int fds[2] = {-1, -1};
  ~pair_of_fds() {
    close_reader();
    if (fds[1] >= 0) ::close(fds[1]);
  }
  void close_reader() {
    if (fds[0] >= 0) ::close(fds[0]);
    fds[0] = -1;
  }
  std::string read_all() const {
    ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    std::string all;
    std::vector<char> buffer(65'536);
    for (long n = 0; (n = ::read(fds[0], buffer.data(), buffer.size())) > 0;)
      all.append(buffer.data(), static_cast<std::size_t>(n));
    return all;
  }
};

pair_of_fds make_pair(bool is_socket) {
  pair_of_fds p;
  REQUIRE((is_socket ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, p.fds) : ::pipe(p.fds)) == 0);
  return p;
}

void check_whole_lines(const std::string& text, std::size_t line_bytes) {
  REQUIRE(text.size() % line_bytes == 0);
  for (std::size_t i = 0; i < text.size(); i += line_bytes)
    REQUIRE(text.find('\n', i) == i + line_bytes - 1);
}

}  // namespace

TEST_CASE("a full pipe or socket drops whole lines, counts them and never blocks") {
  const bool is_socket = GENERATE(false, true);
  auto p = make_pair(is_socket);
  fd_writer writer{p.fds[1]};
  const std::string line = std::string(99, 'x') + '\n';
  std::uint64_t dropped = 0;
  constexpr std::uint64_t written = 50'000;  // 5 MB into a pipe of 64 KiB
  for (std::uint64_t i = 0; i < written; ++i) dropped += writer.write(line);
  CHECK(dropped > 0);
  std::string all = p.read_all();
  for (std::string more = all; !more.empty();) {
    dropped += writer.flush();
    more = p.read_all();
    all += more;
  }
  check_whole_lines(all, line.size());
  CHECK(all.size() / line.size() + dropped == written);
}

TEST_CASE("it goes on when the reader catches up") {
  auto p = make_pair(false);
  fd_writer writer{p.fds[1]};
  const std::string line = std::string(999, 'x') + '\n';
  while (writer.write(line) == 0) {
  }
  std::string all = p.read_all();
  for (std::string more = all; !more.empty(); more = p.read_all()) {
    CHECK(writer.flush() == 0);
    all += more;
  }
  CHECK(writer.write("the end\n") == 0);
  CHECK(p.read_all() == "the end\n");
}

TEST_CASE("a closed reader is not the end of the process") {
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  const bool is_socket = GENERATE(false, true);
  auto p = make_pair(is_socket);
  fd_writer writer{p.fds[1]};
  p.close_reader();
  CHECK(writer.write("one\ntwo\n") == 2);
  std::signal(SIGPIPE, old);
}

TEST_CASE("a full disk is not the end of the process") {
  const int fd = ::open("/dev/full", O_WRONLY);
  REQUIRE(fd >= 0);
  {
    fd_writer writer{fd};
    CHECK(writer.write("one\n") == 1);
    CHECK(writer.write("two\nthree\n") == 2);
  }
  ::close(fd);
  CHECK(fd_writer{-1}.write("nowhere\n") == 1);
}

TEST_CASE("the rest of a broken line does not glue to the next") {
  const auto old_signal = std::signal(SIGXFSZ, SIG_IGN);
  char path[] = "/tmp/understudy-fd-writer-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  rlimit old_limit{};
  ::getrlimit(RLIMIT_FSIZE, &old_limit);
  const rlimit small{6, old_limit.rlim_max};
  {
    fd_writer writer{fd};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto dropped = writer.write("0123456789\n");
    ::setrlimit(RLIMIT_FSIZE, &old_limit);
    CHECK(dropped == 1);
    CHECK(writer.write("next\n") == 0);
  }
  char text[32] = {};
  CHECK(::pread(fd, text, sizeof text - 1, 0) == 12);
  CHECK(std::string{text} == "012345\nnext\n");
  ::close(fd);
  ::unlink(path);
  std::signal(SIGXFSZ, old_signal);
}

TEST_CASE("lines of several threads do not mix") {
  auto p = make_pair(false);
  fd_writer writer{p.fds[1]};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&writer, t] {
      const std::string line = std::string(49, static_cast<char>('a' + t)) + '\n';
      for (int i = 0; i < 200; ++i) writer.write(line);
    });
  for (auto& t : threads) t.join();
  const auto all = p.read_all();
  check_whole_lines(all, 50);
  for (std::size_t i = 0; i < all.size(); i += 50)
    REQUIRE(all.substr(i, 49) == std::string(49, all[i]));
  CHECK(all.size() == 4 * 200 * 50);
}
