#include <algorithm>
#include <string>
#include <understudy/demo/narrator.hpp>
#include <understudy/demo/text.hpp>
#include <vector>

#include "catch.hpp"

using namespace understudy;
using namespace std::chrono_literals;

TEST_CASE("the banner is three lines that can be copied") {
  const auto text = demo::banner("0.0.0.0:1975", "127.0.0.1:1064");
  const auto line_count = std::count(text.begin(), text.end(), '\n');
  CHECK(line_count == 3);
  CHECK(text.find("curl -s http://127.0.0.1:1975/v1/chat/completions") == 0);
  CHECK(text.find("base_url=\"http://127.0.0.1:1975/v1\"") != std::string::npos);
  CHECK(text.find("\nhttp://127.0.0.1:1064/\n") != std::string::npos);
  CHECK(std::ranges::count(demo::banner("127.0.0.1:1", ""), '\n') == 2);
}

TEST_CASE("the embedded configuration gets the ports of the simulated providers") {
  const auto text = demo::config_text(4242, 4343);
  CHECK(text.find("4242") != std::string::npos);
  CHECK(text.find("4343") != std::string::npos);
  CHECK(text.find("${DEMO_") == std::string::npos);
  CHECK(text.find(demo::model) != std::string::npos);
}

TEST_CASE("the narrator says what happened in one line each") {
  std::vector<std::string> lines;
  demo::narrator plain{[&](std::string_view line) { lines.emplace_back(line); }, false};
  plain.phase_began({demo::behaviour::refusing, 10s});
  plain.happened("ejection", "primary is ejected for 5 s");
  plain.happened("return", "primary is back");
  plain.happened("failover", "primary -> fallback");
  CHECK(lines == std::vector<std::string>{
                     "primary   refuses connections for 10 s",
                     "ejection  primary is ejected for 5 s",
                     "return    primary is back",
                     "failover  primary -> fallback",
                 });
}

TEST_CASE("colour only where it was asked for") {
  std::string line;
  demo::narrator coloured{[&](std::string_view text) { line = text; }, true};
  coloured.happened("return", "primary is back");
  CHECK(line.find("\x1b[32m") == 0);
  CHECK(line.find("\x1b[0m") != std::string::npos);
}
