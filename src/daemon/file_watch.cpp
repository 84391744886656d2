#include "daemon/file_watch.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>

#include <understudy/daemon/file_signature.hpp>

namespace understudy::daemon {
namespace {

namespace fs = std::filesystem;
using boost::system::error_code;

constexpr std::chrono::milliseconds settling{200};
constexpr std::chrono::milliseconds look_where_told{5000};
constexpr std::chrono::milliseconds look_where_not{500};
constexpr int longest_chain = 40;  // of links, as in the kernel
constexpr std::uint32_t changes = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                  IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

/// The path with the first link in it followed; empty: there is none. `folder` is the link's.
fs::path follow_one_link(const fs::path& path, fs::path& folder) {
  fs::path walked;
  for (auto part = path.begin(); part != path.end(); ++part) {
    const fs::path here = walked / *part;
    std::error_code failed;
    if (!fs::is_symlink(here, failed)) {
      walked = here;
      continue;
    }
    folder = walked.empty() ? fs::path{"."} : walked;
    fs::path target = fs::read_symlink(here, failed);
    if (failed) return {};
    fs::path next = target.is_absolute() ? target : folder / target;
    for (++part; part != path.end(); ++part) next /= *part;
    return next;
  }
  return {};
}

}  // namespace

std::vector<std::string> folders_of(const std::vector<std::string>& files) {
  std::vector<std::string> folders;
  const auto add = [&](const fs::path& folder) {
    std::error_code failed;
    if (fs::is_directory(folder, failed)) folders.push_back(folder.string());
  };
  for (const auto& file : files) {
    fs::path path{file};
    for (int links = 0; links < longest_chain; ++links) {
      add(path);  // a folder among them: files come and go
      add(path.has_parent_path() ? path.parent_path() : fs::path{"."});
      fs::path folder;
      path = follow_one_link(path, folder);
      if (path.empty()) break;
      add(folder);
    }
  }
  std::ranges::sort(folders);
  const auto doubles = std::ranges::unique(folders);
  folders.erase(doubles.begin(), doubles.end());
  return folders;
}

file_watch::file_watch(boost::asio::io_context& context, std::function<void()> changed)
    : notifications_{context}, timer_{context}, changed_{std::move(changed)} {}

void file_watch::begin_reading() { before_ = file_signature(files_); }

void file_watch::follow(std::vector<std::string> files) {
  const bool is_first = files_.empty();
  const bool is_stale = !is_first && file_signature(files_) != before_;
  files_ = std::move(files);
  if (files_.empty() || is_stopped_) return;
  if (is_first) open_notifications();
  watch_folders();
  known_ = last_seen_ = is_stale ? std::string{} : file_signature(files_);
  look_after(is_stale ? settling : is_told_ ? look_where_told : look_where_not);
}

void file_watch::open_notifications() {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return;
  notifications_.assign(fd);
  await_notification();
}

void file_watch::watch_folders() {
  is_told_ = notifications_.is_open();
  if (!is_told_) return;
  for (const int watch : watches_) ::inotify_rm_watch(notifications_.native_handle(), watch);
  watches_.clear();
  for (const auto& folder : folders_of(files_)) {
    const int watch =
        ::inotify_add_watch(notifications_.native_handle(), folder.c_str(), changes | IN_ONLYDIR);
    if (watch < 0) is_told_ = false;
    if (watch >= 0) watches_.push_back(watch);
  }
}

void file_watch::await_notification() {
  notifications_.async_read_some(boost::asio::buffer(events_), [this](error_code ec, std::size_t) {
    if (ec || is_stopped_) return;
    if (!is_soon_) look_after(settling);
    await_notification();
  });
}

void file_watch::look() {
  const auto seen = file_signature(files_);
  const bool is_settled = seen == last_seen_;
  last_seen_ = seen;
  if (seen == known_) return look_after(is_told_ ? look_where_told : look_where_not);
  if (!is_settled) return look_after(settling);
  known_ = seen;
  look_after(is_told_ ? look_where_told : look_where_not);
  changed_();
}

void file_watch::look_after(std::chrono::milliseconds delay) {
  is_soon_ = delay == settling;
  timer_.expires_after(delay);
  timer_.async_wait([this](error_code ec) {
    if (!ec && !is_stopped_) look();
  });
}

void file_watch::stop() {
  is_stopped_ = true;
  timer_.cancel();
  error_code ignored;
  notifications_.close(ignored);
}

}  // namespace understudy::daemon
