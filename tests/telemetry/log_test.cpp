#include <understudy/telemetry/log.hpp>

#include <nlohmann/json.hpp>

#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "catch.hpp"

using namespace understudy::telemetry;

namespace {

/// The log goes into a pipe while it lives.
class captured_log {
 public:
  captured_log(std::string_view levels, log_format format) {
    REQUIRE(::pipe(fds_) == 0);
    REQUIRE(log::init(levels, format, fds_[1]));
  }
  ~captured_log() {
    log::init("info", log_format::text);
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  std::string text() const {
    ::fcntl(fds_[0], F_SETFL, O_NONBLOCK);
    char buffer[65'536];
    const auto n = ::read(fds_[0], buffer, sizeof buffer);
    return {buffer, static_cast<std::size_t>(n > 0 ? n : 0)};
  }

 private:
  int fds_[2] = {-1, -1};
};

}  // namespace

TEST_CASE("levels by room") {
  const captured_log captured{"warning,net=debug,plan=off", log_format::json};
  CHECK(log::is_enabled(log::level::debug));
  CHECK(log::is_enabled(log::level::debug, "net"));
  CHECK_FALSE(log::is_enabled(log::level::info, "health"));
  CHECK_FALSE(log::is_enabled(log::level::error, "plan"));
  log::debug("net", "one");
  log::info("health", "two");
  log::warning("health", "three");
  log::error("plan", "four");
  const auto text = captured.text();
  CHECK(text.find("one") != std::string::npos);
  CHECK(text.find("two") == std::string::npos);
  CHECK(text.find("three") != std::string::npos);
  CHECK(text.find("four") == std::string::npos);
}

TEST_CASE("JSON lines carry the fields, whatever they contain") {
  const captured_log captured{"info", log_format::json};
  log::info("cli", "line\nbreak {} %s \"quoted\" \xFF", {{"file", "a\\b"}, {"n", "1"}});
  const auto text = captured.text();
  const auto json = nlohmann::json::parse(text);
  CHECK(json["level"] == "info");
  CHECK(json["room"] == "cli");
  CHECK(json["message"] == "line\nbreak {} %s \"quoted\" \xEF\xBF\xBD");
  CHECK(json["file"] == "a\\b");
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("text lines stay lines and carry no terminal codes from outside") {
  const captured_log captured{"info", log_format::text};
  log::warning("net", "a\nb \033[31m {}", {{"k", "v"}});
  const auto text = captured.text();
  CHECK(text.find("Z warning [net] a\\nb \\u001b[31m {} k=v\n") != std::string::npos);
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("a level that cannot be read changes nothing") {
  CHECK_FALSE(log::init("loud", log_format::text));
  CHECK_FALSE(log::init("info,net=loud", log_format::text));
  CHECK(log::is_enabled(log::level::info));
  CHECK_FALSE(log::is_enabled(log::level::debug));
  CHECK(log::level_named("WARN") == log::level::warning);
}

TEST_CASE("a full pipe does not stop the log's callers") {
  const captured_log captured{"info", log_format::text};
  const std::string long_text(2'000, 'x');
  for (int i = 0; i < 1'000; ++i) log::info("net", long_text);
  CHECK(captured.text().size() > 1'000);
}
