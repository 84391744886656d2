#include <understudy/telemetry/text.hpp>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "telemetry/samples.hpp"

using namespace understudy;
using namespace understudy::telemetry;

namespace {

std::string json_of(std::string_view text, std::size_t max_bytes = max_text_bytes) {
  std::string out;
  append_json(out, text, max_bytes);
  return out;
}

}  // namespace

TEST_CASE("escaping follows JSON and repairs what is not UTF-8") {
  struct row {
    std::string_view in, out;
  };
  using namespace std::string_view_literals;
  const row rows[] = {
      {"", R"("")"},
      {"plain /path?x", R"("plain /path?x")"},
      {"a\"b\\c", R"("a\"b\\c")"},
      {"\n\r\t\x01\x1f\x7f", R"("\n\r\t\u0001\u001f\u007f")"},
      {"\0"sv, R"("\u0000")"},
      {"gr\xC3\xBC\xC3\x9F", "\"gr\xC3\xBC\xC3\x9F\""},
      {"\xF0\x9F\x99\x82", "\"\xF0\x9F\x99\x82\""},
      {"\xFF", "\"\xEF\xBF\xBD\""},
      {"\xC3", "\"\xEF\xBF\xBD\""},                                  // cut short
      {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                  // overlong
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},  // surrogate
      {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const auto& r : rows) {
    CAPTURE(r.in);
    CHECK(json_of(r.in) == r.out);
  }
}

TEST_CASE("every single byte and pair of bytes gives valid JSON") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      if (!nlohmann::json::accept(json_of(text))) FAIL("bytes " << a << " " << b);
    }
  }
  SUCCEED();
}

TEST_CASE("long text is cut at a character and marked") {
  CHECK(json_of("abcdef", 6) == "\"abcdef\"");
  CHECK(json_of("abcdefg", 6) == "\"abcdef\xE2\x80\xA6\"");
  CHECK(json_of("abcde\xC3\xBC", 6) == "\"abcde\xE2\x80\xA6\"");
  CHECK(json_of(std::string(100'000, 'x')).size() < 300);
}

TEST_CASE("durations are written without rounding surprises") {
  std::string out;
  append_milliseconds(out, std::chrono::microseconds{12'034});
  out += ' ';
  append_milliseconds(out, base::duration{-5});
  out += ' ';
  append_seconds(out, 5'000'000'000);
  out += ' ';
  append_seconds(out, 2'500'000);
  out += ' ';
  append_seconds(out, 1);
  CHECK(out == "12.034 0.000 5 0.0025 0.000000001");
}

TEST_CASE("timestamps, also when seconds come out of order") {
  timestamp_writer writer;
  std::string out;
  for (const auto at : {tests::wall(1'767'323'045, 678'900), tests::wall(1'767'323'045, 1'000),
                        tests::wall(1'767'323'044), tests::wall(0), tests::wall(-1, 999'999),
                        tests::wall(951'782'400)}) {
    writer.append(out, at);
    out += '\n';
  }
  CHECK(out ==
        "2026-01-02T03:04:05.678Z\n2026-01-02T03:04:05.001Z\n2026-01-02T03:04:04.000Z\n"
        "1970-01-01T00:00:00.000Z\n1969-12-31T23:59:59.999Z\n2000-02-29T00:00:00.000Z\n");
}
