#include "daemon/upgrade.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

extern char** environ;

namespace understudy::daemon {
namespace {

constexpr std::chrono::seconds longest_start{60};

/// The command line of this process, as the new one gets it.
std::vector<std::string> own_arguments() {
  std::ifstream in{"/proc/self/cmdline", std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{in}, {}};
  std::vector<std::string> arguments;
  for (std::string_view rest = all; !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size());
    arguments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return arguments;
}

/// Everything but what was told to this process alone.
std::vector<std::string> environment_with(const std::vector<passed_socket>& sockets) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view one{*at};
    if (!one.starts_with("LISTEN_") && !one.starts_with("WATCHDOG_PID=") &&
        !one.starts_with(handover_variable))
      all.emplace_back(one);
  }
  std::string handover = std::string{handover_variable} + "=" + std::to_string(::getpid());
  for (const auto& s : sockets) handover += "\t" + s.label;
  all.push_back(std::move(handover));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// What the child does before it is the new program: the descriptors from 3 on are the ones meant
/// for it, everything else is closed, no signal is blocked or handled.
class preparation {
 public:
  /// `passed` are above all descriptors that they become.
  explicit preparation(const std::vector<net::owned_socket>& passed) {
    ::posix_spawn_file_actions_init(&actions_);
    int next = first_given_descriptor;
    for (const auto& one : passed) ::posix_spawn_file_actions_adddup2(&actions_, one.get(), next++);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, next);
    ::posix_spawnattr_init(&attributes_);
    sigset_t all, none;
    sigfillset(&all);
    sigdelset(&all, SIGPIPE);  // stays ignored
    sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~preparation() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  preparation(const preparation&) = delete;
  preparation& operator=(const preparation&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

base::result<pid_t, std::string> spawn(int ready, const std::vector<passed_socket>& sockets) {
  const int lowest = first_given_descriptor + static_cast<int>(sockets.size()) + 1;
  std::vector<net::owned_socket> passed;
  const auto pass = [&](int fd) {
    passed.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
    return passed.back().get() >= 0;
  };
  bool is_complete = pass(ready);
  for (const auto& s : sockets) is_complete = is_complete && pass(s.fd);
  if (!is_complete) return "the process has no descriptors left";
  auto arguments = own_arguments();
  if (arguments.empty()) return "/proc/self/cmdline can't be read";
  auto variables = environment_with(sockets);
  // By the name it was started under, so that a link that points to another version now is
  // followed. Where that name leads nowhere, the file itself.
  std::string program = arguments.front();
  if (program.find('/') != program.npos && ::access(program.c_str(), X_OK) != 0)
    program = "/proc/self/exe";
  const preparation before{passed};
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, program.c_str(), before.actions(), before.attributes(),
                                     pointers(arguments).data(), pointers(variables).data());
  if (failure != 0) return program + " can't be started: " + std::strerror(failure);
  return child;
}

}  // namespace

upgrade::~upgrade() = default;

base::result<pid_t, std::string> upgrade::start(const std::vector<passed_socket>& sockets,
                                                listener who) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return "the process has no descriptors left";
  net::owned_socket reads{ends[0]};
  const net::owned_socket writes{ends[1]};
  const auto child = spawn(writes.get(), sockets);
  if (!child) return child.error();
  child_ = *child;
  listener_ = std::move(who);
  told_.assign(reads.release());
  limit_.expires_after(longest_start);
  limit_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec && is_running()) give_up("it did not serve within 60 s");
  });
  await_word();
  return child_;
}

void upgrade::await_word() {
  told_.async_read_some(
      boost::asio::buffer(word_), [this](const boost::system::error_code& ec, std::size_t n) {
        if (!is_running()) return;
        if (n == 0)
          return give_up(ec == boost::asio::error::eof ? "it ended; its own log says why"
                                                       : ec.message());
        limit_.cancel();
        told_.close();
        listener_.serves(std::exchange(child_, 0));
      });
}

void upgrade::cancel() {
  if (is_running()) end_child();
}

void upgrade::give_up(const std::string& reason) {
  end_child();
  listener_.fails(reason);
}

/// The child is killed if it still is there, so the wait for it is short.
void upgrade::end_child() {
  limit_.cancel();
  const pid_t child = std::exchange(child_, 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  boost::system::error_code ignored;
  told_.close(ignored);
}

}  // namespace understudy::daemon
