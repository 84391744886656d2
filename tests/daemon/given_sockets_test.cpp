#include "daemon/given_sockets.hpp"

#include <map>

#include <catch.hpp>

using namespace understudy::daemon;

namespace {

using variables = std::map<std::string, std::string>;

announcement read(const variables& set) {
  return read_announcement(
      [&set](const char* name) -> std::optional<std::string> {
        const auto found = set.find(name);
        if (found == set.end()) return std::nullopt;
        return found->second;
      },
      100, 99);
}

}  // namespace

TEST_CASE("socket activation is read as sd_listen_fds(3) says it") {
  struct row {
    const char* what;
    variables set;
    std::vector<announced_socket> expected;
  };
  const std::vector<row> rows{
      {"nothing", {}, {}},
      {"one without a name", {{"LISTEN_PID", "100"}, {"LISTEN_FDS", "1"}}, {{3, "unknown", ""}}},
      {"two with names",
       {{"LISTEN_PID", "100"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "http:admin"}},
       {{3, "http", ""}, {4, "admin", ""}}},
      {"fewer names than sockets",
       {{"LISTEN_PID", "100"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "http"}},
       {{3, "http", ""}, {4, "unknown", ""}}},
      {"meant for another process", {{"LISTEN_PID", "101"}, {"LISTEN_FDS", "1"}}, {}},
      {"no number of a process", {{"LISTEN_PID", "100x"}, {"LISTEN_FDS", "1"}}, {}},
      {"no count", {{"LISTEN_PID", "100"}, {"LISTEN_FDS", ""}}, {}},
      {"less than none", {{"LISTEN_PID", "100"}, {"LISTEN_FDS", "-1"}}, {}},
      {"more than there can be", {{"LISTEN_PID", "100"}, {"LISTEN_FDS", "99999999"}}, {}},
  };
  for (const auto& r : rows) {
    INFO(r.what);
    const auto told = read(r.set);
    CHECK(told.sockets == r.expected);
    CHECK_FALSE(told.is_handed_over);
  }
}

TEST_CASE("a process that hands over is believed only by its child") {
  const auto told = read({{"UNDERSTUDY_HANDOVER", "99\t@127.0.0.1:80\tmy http@[::]:81\t@*:0"}});
  REQUIRE(told.is_handed_over);
  CHECK(told.sockets == std::vector<announced_socket>{
                            {4, "", "127.0.0.1:80"}, {5, "my http", "[::]:81"}, {6, "", "*:0"}});
  CHECK(read({{"UNDERSTUDY_HANDOVER", "99"}}).is_handed_over);
  CHECK_FALSE(read({{"UNDERSTUDY_HANDOVER", "98\t@127.0.0.1:80"}}).is_handed_over);
  CHECK_FALSE(read({{"UNDERSTUDY_HANDOVER", "99\tnonsense"}}).is_handed_over);
  CHECK_FALSE(read({{"UNDERSTUDY_HANDOVER", ""}}).is_handed_over);
}

TEST_CASE("the variables of a process that hands over win over those of systemd") {
  const auto told = read(
      {{"UNDERSTUDY_HANDOVER", "99\t@127.0.0.1:80"}, {"LISTEN_PID", "100"}, {"LISTEN_FDS", "1"}});
  CHECK(told.is_handed_over);
  CHECK(told.sockets.size() == 1);
}
