#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace understudy::telemetry {

/// Whole lines to a file descriptor that may be a slow pipe, a full disk or gone. Never blocks on
/// a pipe, terminal or socket: what does not fit waits in a bounded buffer, and lines beyond it
/// are dropped and counted. Lines of several threads never mix. The process ignores SIGPIPE.
class fd_writer {
 public:
  static constexpr std::size_t max_pending_bytes = 256U * 1024;

  /// Does not own `fd`.
  explicit fd_writer(int fd);
  ~fd_writer();
  fd_writer(const fd_writer&) = delete;
  fd_writer& operator=(const fd_writer&) = delete;

  /// `lines` ends with a newline. Returns how many lines were dropped, of these or earlier ones.
  std::uint64_t write(std::string_view lines);
  /// Tries what is pending.
  std::uint64_t flush();
  /// From here on lines go to `fd`, which becomes the writer's own; -1: they are dropped. What is
  /// pending has a last try on the old one.
  void replace(int fd);

 private:
  enum class kind : std::uint8_t { file, nonblocking, polled, socket };

  void adopt(int fd);
  std::uint64_t drain();
  long write_some(std::string_view bytes);
  bool is_ready() const;

  std::mutex mutex_;
  int fd_;
  bool is_owned_ = false;
  kind kind_ = kind::file;
  bool is_inside_line_ = false;  ///< the first pending byte continues a line already begun
  std::string pending_;
  std::uint64_t lost_ = 0;  ///< lines of the old descriptor, told by the next write()
};

}  // namespace understudy::telemetry
