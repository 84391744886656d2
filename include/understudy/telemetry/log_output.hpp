#pragma once
#include <memory>
#include <string>

#include <understudy/plan/log_format.hpp>
#include <understudy/telemetry/fd_writer.hpp>

namespace understudy::telemetry {

/// One output of the access log, shared by the workers. Thread-safe.
class log_output {
 public:
  /// Lines to a descriptor that stays the caller's.
  log_output(int fd, plan::log_format format);
  /// Lines appended to a file, which is made where there is none (mode 0640), or to
  /// `/dev/stdout`, `/dev/stderr`. One that can't be opened is told in the log; lines are dropped
  /// and counted until reopen() succeeds.
  log_output(std::string path, plan::log_format format);

  const std::string& path() const { return path_; }
  const plan::log_format& format() const { return format_; }
  fd_writer& writer() { return *writer_; }

  /// Opens the path anew. Lines written before go to the old file.
  void reopen();

 private:
  std::string path_;  ///< empty: a descriptor
  plan::log_format format_;
  std::unique_ptr<fd_writer> writer_;
};

}  // namespace understudy::telemetry
