#include <understudy/credentials/ini.hpp>

#include "catch.hpp"

using understudy::credentials::ini_sections;
using understudy::credentials::parse_ini;

TEST_CASE("the INI dialect of the shared files") {
  struct row {
    const char* what;
    std::string_view text;
    ini_sections sections;
  };
  const row rows[] = {
      {"nothing", "", {}},
      {"plain", "[a]\nk = v\n[b]\nk=w", {{"a", {{"k", "v"}}}, {"b", {{"k", "w"}}}}},
      {"BOM and CRLF", "\xEF\xBB\xBF[a]\r\nk = v\r\n", {{"a", {{"k", "v"}}}}},
      {"comments",
       "# x\n; y\n[a] # z\n# k = 1\nk = v # w\nl = v ; w\nm = a#b;c\n",
       {{"a", {{"k", "v"}, {"l", "v"}, {"m", "a#b;c"}}}}},
      {"keys are lower case", "[a]\nAWS_Key = V\n", {{"a", {{"aws_key", "V"}}}}},
      {"the last wins, sections join",
       "[a]\nk = 1\n[b]\n[a]\nk = 2\nl = 3\n",
       {{"a", {{"k", "2"}, {"l", "3"}}}, {"b", {}}}},
      {"nested settings are skipped",
       "[a]\ns3 =\n  k = v\n\tl = w\nm = x\n",
       {{"a", {{"s3", ""}, {"m", "x"}}}}},
      {"values keep their equals signs", "[a]\nk = a+b/c==\n", {{"a", {{"k", "a+b/c=="}}}}},
      {"junk is skipped",
       "k = outside\n[a]\njunk\n= \n[open\nk = lost\n[ b ]\nk = v\n",
       {{"a", {{"", ""}}}, {"b", {{"k", "v"}}}}},
  };
  for (const auto& r : rows) {
    CAPTURE(r.what);
    CHECK(parse_ini(r.text) == r.sections);
  }
}
