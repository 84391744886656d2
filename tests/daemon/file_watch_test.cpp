#include "daemon/file_watch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>
#include <boost/asio/post.hpp>
#include <catch.hpp>

using namespace understudy::daemon;
namespace fs = std::filesystem;

namespace {

struct folder {
  folder() {
    std::string name = (fs::temp_directory_path() / "understudy-watch-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = fs::canonical(name);
  }
  ~folder() { fs::remove_all(path); }
  void write(const fs::path& name, const std::string& text) const {
    std::ofstream{path / name} << text;
  }
  std::string operator/(const fs::path& name) const { return (path / name).string(); }
  fs::path path;
};

/// A watch that ends with the first change it tells of.
struct watcher {
  boost::asio::io_context context;
  int count = 0;
  file_watch watch{context, [this] {
                     ++count;
                     watch.stop();
                     context.stop();
                   }};

  /// How many it has told of.
  int run() {
    context.run_for(std::chrono::seconds{20});
    return count;
  }
};

/// Counts the changes that a watch of the files tells of when `change` is made.
int told(std::vector<std::string> files, const std::function<void()>& change) {
  watcher w;
  w.watch.begin_reading();
  w.watch.follow(std::move(files));
  boost::asio::post(w.context, change);
  return w.run();
}

}  // namespace

TEST_CASE("every link on the way to a file is watched") {
  const folder f;
  fs::create_directories(f.path / "..v1");
  fs::create_directories(f.path / "elsewhere");
  f.write("..v1/config.yaml", "a");
  f.write("elsewhere/key.pem", "k");
  fs::create_directory_symlink("..v1", f.path / "..data");
  fs::create_symlink("..data/config.yaml", f.path / "config.yaml");
  fs::create_symlink(f / "elsewhere/key.pem", f.path / "key.pem");
  const auto folders = folders_of({f / "config.yaml", f / "key.pem", f / "absent/file"});
  const auto has = [&](const fs::path& name) {
    const auto wanted = name.empty() ? f.path.string() : f / name;
    return std::ranges::any_of(folders, [&](const auto& folder) {
      return fs::weakly_canonical(folder) == fs::path{wanted};
    });
  };
  CHECK(has(""));
  CHECK(has("..v1"));
  CHECK(has("elsewhere"));
  CHECK_FALSE(has("absent"));
}

TEST_CASE("links that lead round in circles end") {
  const folder f;
  fs::create_symlink("b", f.path / "a");
  fs::create_symlink("a", f.path / "b");
  CHECK(folders_of({f / "a"}).size() == 1);
}

TEST_CASE("a change of a watched file is told") {
  const folder f;
  f.write("config.yaml", "a");
  SECTION("written in place") {
    CHECK(told({f / "config.yaml"}, [&] { f.write("config.yaml", "bb"); }) == 1);
  }
  SECTION("replaced, as editors do") {
    CHECK(told({f / "config.yaml"}, [&] {
            f.write("config.yaml~", "b");
            fs::rename(f.path / "config.yaml~", f.path / "config.yaml");
          }) == 1);
  }
  SECTION("removed") {
    CHECK(told({f / "config.yaml"}, [&] { fs::remove(f.path / "config.yaml"); }) == 1);
  }
  SECTION("a file that was not there") {
    CHECK(told({f / "config.yaml", f / "key.pem"}, [&] { f.write("key.pem", "k"); }) == 1);
  }
  SECTION("a new file in a folder") {
    CHECK(told({f.path.string()}, [&] { f.write("more.yaml", "m"); }) == 1);
  }
  SECTION("a ConfigMap's link points elsewhere") {
    fs::create_directories(f.path / "..v1");
    fs::create_directories(f.path / "..v2");
    f.write("..v1/map.yaml", "same");
    f.write("..v2/map.yaml", "same");
    fs::create_directory_symlink("..v1", f.path / "..data");
    fs::create_symlink("..data/map.yaml", f.path / "map.yaml");
    CHECK(told({f / "map.yaml"}, [&] {
            fs::create_directory_symlink("..v2", f.path / "..data_tmp");
            fs::rename(f.path / "..data_tmp", f.path / "..data");
          }) == 1);
  }
}

TEST_CASE("what changes while the files are read is told afterwards") {
  const folder f;
  f.write("config.yaml", "a");
  watcher w;
  w.watch.follow({f / "config.yaml"});
  w.watch.begin_reading();
  f.write("config.yaml", "bb");
  w.watch.follow({f / "config.yaml"});
  CHECK(w.run() == 1);
}
