#include <understudy/telemetry/fd_writer.hpp>

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace understudy::telemetry {
namespace {

/// A pipe that is writable takes this much without blocking (PIPE_BUF on Linux).
constexpr std::size_t polled_bytes = 4096;

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

}  // namespace

fd_writer::fd_writer(int fd) { adopt(fd); }

void fd_writer::adopt(int fd) {
  fd_ = fd;
  is_owned_ = false;
  kind_ = kind::file;
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0 || S_ISREG(status.st_mode)) return;
  kind_ = S_ISSOCK(status.st_mode) ? kind::socket : kind::polled;
  if (!S_ISFIFO(status.st_mode)) return;
  // O_NONBLOCK belongs to the open file, which others share (a shell, a supervisor). So a pipe is
  // opened a second time, where that is allowed.
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const int own = ::open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) return;
  fd_ = own;
  is_owned_ = true;
  kind_ = kind::nonblocking;
}

void fd_writer::replace(int fd) {
  const std::lock_guard lock{mutex_};
  lost_ += drain() + count_lines(pending_);
  pending_.clear();
  is_inside_line_ = false;
  if (is_owned_) ::close(fd_);
  adopt(fd);
  if (fd >= 0 && fd_ != fd) ::close(fd);  // a pipe was opened a second time
  is_owned_ = fd >= 0;
}

fd_writer::~fd_writer() {
  flush();
  if (is_owned_) ::close(fd_);
}

bool fd_writer::is_ready() const {
  pollfd p{fd_, POLLOUT, 0};
  return ::poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

long fd_writer::write_some(std::string_view bytes) {
  switch (kind_) {
    case kind::socket:
      return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case kind::polled:
      if (!is_ready()) {
        errno = EAGAIN;
        return -1;
      }
      return ::write(fd_, bytes.data(), std::min(bytes.size(), polled_bytes));
    case kind::file:
    case kind::nonblocking:
      break;
  }
  return ::write(fd_, bytes.data(), bytes.size());
}

std::uint64_t fd_writer::drain() {
  std::size_t done = 0;
  std::uint64_t dropped = 0;
  while (done < pending_.size()) {
    const long n = write_some(std::string_view{pending_}.substr(done));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      is_inside_line_ = pending_[done - 1] != '\n';
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else {  // a full disk, a closed pipe: these lines are lost, later ones may not be
      dropped = count_lines(std::string_view{pending_}.substr(done));
      done = pending_.size();
    }
  }
  pending_.erase(0, done);
  return dropped;
}

std::uint64_t fd_writer::write(std::string_view lines) {
  const std::lock_guard lock{mutex_};
  std::uint64_t dropped = std::exchange(lost_, 0);
  if (fd_ < 0) return dropped + count_lines(lines);
  if (pending_.size() + lines.size() > max_pending_bytes) dropped += drain();
  if (pending_.size() + lines.size() > max_pending_bytes) return dropped + count_lines(lines);
  // After a failed write in the middle of a line, the rest of it is gone: begin a new one.
  if (pending_.empty() && is_inside_line_) pending_ += '\n';
  pending_ += lines;
  return dropped + drain();
}

std::uint64_t fd_writer::flush() {
  const std::lock_guard lock{mutex_};
  return pending_.empty() ? 0 : drain();
}

}  // namespace understudy::telemetry
