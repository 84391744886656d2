#pragma once
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

namespace understudy::daemon {

/// Folders in which a change of one of the files shows: of the file itself, and of every link on
/// the way to it (a ConfigMap's `..data`). Sorted, each once; those that exist.
std::vector<std::string> folders_of(const std::vector<std::string>& files);

/// Says when one of the files has changed and has then been left alone for a moment: editors and
/// ConfigMap updates write in several steps. The kernel tells of changes in the folders (inotify);
/// the files are looked at all the same every few seconds, because network file systems tell of
/// nothing, and oftener where the kernel refuses. Control thread.
class file_watch {
 public:
  file_watch(boost::asio::io_context& context, std::function<void()> changed);

  /// Before the files are read: what changes from here on is a change.
  void begin_reading();
  /// After: what was read. The first call begins the watch.
  void follow(std::vector<std::string> files);
  void stop();

 private:
  void open_notifications();
  void watch_folders();
  void await_notification();
  void look();
  void look_after(std::chrono::milliseconds delay);

  boost::asio::posix::stream_descriptor notifications_;
  boost::asio::steady_timer timer_;
  std::function<void()> changed_;
  std::vector<std::string> files_;
  std::string before_, known_, last_seen_;
  std::vector<int> watches_;
  alignas(8) std::array<char, 4096> events_{};
  bool is_stopped_ = false;
  bool is_soon_ = false;  ///< the next look is near: what is told meanwhile does not put it off
  bool is_told_ = false;  ///< every folder is watched by the kernel
};

}  // namespace understudy::daemon
