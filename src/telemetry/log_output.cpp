#include <understudy/telemetry/log_output.hpp>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <understudy/telemetry/log.hpp>

namespace understudy::telemetry {
namespace {

/// -1: told. Never waits for the reader of a FIFO.
int open_log(const std::string& path) {
  if (path == "/dev/stdout") return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (path == "/dev/stderr") return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
  if (fd < 0)
    log::error("access log", "can't open " + path + ": " + std::generic_category().message(errno) +
                                 "; its lines are dropped until SIGUSR1 finds it");
  return fd;
}

}  // namespace

log_output::log_output(int fd, plan::log_format format)
    : format_{std::move(format)}, writer_{std::make_unique<fd_writer>(fd)} {}

log_output::log_output(std::string path, plan::log_format format)
    : path_{std::move(path)}, format_{std::move(format)}, writer_{std::make_unique<fd_writer>(-1)} {
  reopen();
}

void log_output::reopen() {
  if (!path_.empty()) writer_->replace(open_log(path_));
}

}  // namespace understudy::telemetry
