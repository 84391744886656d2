#include <set>

#include "answer_watch_rows.hpp"
#include "catch.hpp"

namespace understudy::translate_test {
namespace {

using translate::answer_stage;
using translate::answer_watch;

/// Feeds a step in pieces of sizes that depend on `seed`: 0 whole, 1 single bytes.
class cutter {
 public:
  explicit cutter(std::uint32_t seed) : seed_{seed}, state_{seed} {}

  std::size_t next(std::size_t left) {
    if (seed_ == 0) return left;
    if (seed_ == 1) return 1;
    state_ = state_ * 1664525U + 1013904223U;
    return std::min<std::size_t>(left, 1 + (state_ >> 24) % 61);
  }

 private:
  std::uint32_t seed_, state_;
};

void check_fault(const answer_row& row, const answer_watch& watch) {
  const auto expected = row.node["fault"];
  REQUIRE((watch.fault() != nullptr) == expected.IsDefined());
  CHECK((watch.stage() == answer_stage::failed) == expected.IsDefined());
  if (!expected.IsDefined()) return;
  const auto& fault = *watch.fault();
  CHECK(fault.status == expected["status"].as<int>(502));
  CHECK(fault.type == expected["type"].as<std::string>(""));
  CHECK(fault.code == expected["code"].as<std::string>(""));
  CAPTURE(fault.message);
  CHECK(fault.message.find(expected["says"].as<std::string>("")) != std::string::npos);
  CHECK(fault.is_unintelligible == expected["unintelligible"].as<bool>(false));
  CHECK(fault.is_content_policy == expected["policy"].as<bool>(false));
}

std::string usage_text(const translate::token_usage& usage) {
  std::string out;
  const auto add = [&out](const char* name, const std::optional<std::uint64_t>& value) {
    if (value) out.append(out.empty() ? "" : " ").append(name).append(std::to_string(*value));
  };
  add("in=", usage.input);
  add("out=", usage.output);
  add("total=", usage.total);
  add("cached=", usage.cached_input);
  add("written=", usage.cache_creation_input);
  add("reasoning=", usage.reasoning);
  return out;
}

void check_end(const answer_row& row, const answer_watch& watch) {
  CHECK(watch.stage() == row.end);
  CHECK(watch.is_whole() == row.is_whole);
  CHECK(watch.is_watching() == row.node["watching"].as<bool>(true));
  CHECK(watch.is_filtered() == row.node["filtered"].as<bool>(false));
  CHECK(usage_text(watch.usage()) == row.node["usage"].as<std::string>(""));
  if (row.node["characters"])
    CHECK(watch.text_characters() == row.node["characters"].as<std::uint64_t>());
  check_fault(row, watch);
}

void play(const answer_row& row, answer_watch& watch, std::uint32_t seed) {
  CAPTURE(row.id, seed);
  row.begin(watch);
  cutter cut{seed};
  auto last = watch.stage();
  std::size_t number = 0;
  for (const auto& step : row.steps) {
    CAPTURE(number++);
    std::string_view rest = step.bytes;
    while (!rest.empty()) {
      const auto size = cut.next(rest.size());
      // A copy, so that a view kept beyond the call is seen by the address sanitizer.
      const std::string piece{rest.substr(0, size)};
      rest.remove_prefix(size);
      watch.feed(piece);
      if (watch.stage() < last) FAIL("the stage went back");
      last = watch.stage();
    }
    CHECK(watch.stage() == step.stage);
    CHECK(watch.has_content() == (last == answer_stage::content || last == answer_stage::finished ||
                                  (last == answer_stage::failed && watch.has_content())));
    if (last != answer_stage::failed) CHECK(watch.is_between_events() == step.is_between);
  }
  if (row.has_end) watch.finish();
  CHECK(watch.stage() >= last);
  check_end(row, watch);
}

std::string body_of(const answer_row& row) {
  std::string body;
  for (const auto& step : row.steps) body += step.bytes;
  return body;
}

void play_whole(const answer_row& row, answer_watch& watch) {
  if (!row.has_end) return;
  CAPTURE(row.id);
  row.begin(watch);
  {
    const std::string body = body_of(row);  // gone before anything is asked
    watch.feed_whole(body);
  }
  check_end(row, watch);
}

std::string verdict_of(const answer_watch& watch) {
  std::string out =
      std::to_string(static_cast<int>(watch.stage())) + " " + (watch.is_whole() ? "whole " : "") +
      (watch.has_content() ? "content " : "") + (watch.is_watching() ? "" : "unwatched ") +
      (watch.is_stream() ? "stream " : "") + (watch.is_filtered() ? "filtered " : "") +
      usage_text(watch.usage()) + " " + std::to_string(watch.text_characters());
  if (const auto* fault = watch.fault())
    out += " " + std::to_string(fault->status) + " " + fault->type + " " + fault->code + " " +
           fault->message + (fault->is_unintelligible ? " unintelligible" : "") +
           (fault->is_content_policy ? " policy" : "");
  return out;
}

void compare_whole(const answer_row& row, std::string_view body, answer_watch& watch) {
  row.begin(watch);
  watch.feed_whole(body);
  const auto whole = verdict_of(watch);
  row.begin(watch);
  watch.feed(body);
  watch.finish();
  CAPTURE(body.size(), body.substr(0, 60));
  if (verdict_of(watch) != whole) FAIL(row.id << "\n" << whole << "\n" << verdict_of(watch));
}

void play_table(const char* file, std::size_t at_least) {
  const auto rows = read_rows(file);
  CHECK(rows.size() >= at_least);
  std::set<std::string> ids;
  answer_watch watch;  // one for all, as in its worker
  for (const auto& row : rows) {
    CHECK(ids.insert(row.id).second);
    for (std::uint32_t seed = 0; seed < 12; ++seed) play(row, watch, seed);
    play_whole(row, watch);
  }
}

TEST_CASE("answers of OpenAI's chat dialect", "[answers]") { play_table("chat.yaml", 30); }
TEST_CASE("answers of the Responses API", "[answers]") { play_table("responses.yaml", 10); }
TEST_CASE("answers of Anthropic", "[answers]") { play_table("anthropic.yaml", 12); }
TEST_CASE("answers of Gemini", "[answers]") { play_table("gemini.yaml", 8); }
TEST_CASE("answers of Bedrock", "[answers]") { play_table("bedrock.yaml", 14); }
TEST_CASE("answers that are no stream", "[answers]") { play_table("unary.yaml", 25); }

TEST_CASE("a damaged document is judged alike in one go and in pieces", "[answers]") {
  answer_watch watch;
  std::uint32_t state = 7;
  const auto random = [&state](std::size_t below) {
    state = state * 1664525U + 1013904223U;
    return static_cast<std::size_t>(state >> 8) % below;
  };
  constexpr std::string_view marks = "{}[]\",:\\ 0nte-\n";
  for (const auto& row : read_rows("unary.yaml")) {
    const std::string body = body_of(row);
    if (body.empty() || body.size() > 8192) continue;
    for (int i = 0; i < 400; ++i) {
      std::string damaged = body;
      for (auto n = random(3); n != 0; --n) damaged[random(damaged.size())] = marks[random(14)];
      if (random(4) == 0) damaged.resize(1 + random(damaged.size()));
      if (random(4) == 0) damaged.insert(random(damaged.size()), 1, marks[random(marks.size())]);
      compare_whole(row, damaged, watch);
    }
  }
}

TEST_CASE("a large document is judged alike in one go and in pieces", "[answers]") {
  const auto row = read_rows("unary.yaml").front();
  answer_watch watch;
  const std::string usage = R"("usage":{"prompt_tokens":1,"completion_tokens":2})";
  for (const std::size_t size : {60, 66, 2040, 2044, 2048, 2052, 3000, 20'000, 1'100'000}) {
    const std::string text(size, 'x');
    compare_whole(row, R"({"choices":[")" + text + "\"]," + usage + "}", watch);
    compare_whole(row, R"({"metadata":")" + text + "\"," + usage + "}", watch);
    compare_whole(row, R"({"error":{"message":")" + text + "\"}," + usage + "}", watch);
    compare_whole(row, R"({"choices":[1],"usage":{"prompt_tokens":1,"x":")" + text + "\"}}", watch);
    compare_whole(row, "{\"" + text + "\":1,\"choices\":[1]," + usage + "}", watch);
    compare_whole(row, R"({"choices":[)" + std::string(size, ' ') + "]," + usage + "}", watch);
    compare_whole(row, R"({"choices":[{"a":")" + text + "\\q\"}]," + usage + "}", watch);
    std::string many = "{";
    for (std::size_t i = 0; i < size / 16; ++i) many += "\"member\":123456,";
    compare_whole(row, many + usage + "}", watch);
  }
  for (std::size_t depth = 508; depth < 518; ++depth) {
    std::string deep = R"({"choices":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    compare_whole(row, deep, watch);
  }
}

TEST_CASE("an event about as large as is kept is judged alike however it is cut", "[answers]") {
  const std::string opening = R"(data: {"choices":[{"finish_reason":"stop","delta":{"content":")";
  codec::response_head head;
  head.fields.add("content-type", "text/event-stream");
  answer_watch watch;
  const auto find_out = [&](std::string_view body, std::size_t step) {
    watch.begin(translate::operation::chat_completions, translate::schema::openai, true, head);
    for (std::string_view rest = body; !rest.empty(); rest = rest.substr(step))
      watch.feed(rest.substr(0, step = std::min(step, rest.size())));
    return watch.stage();
  };
  for (const std::string end : {"\n\n", "\r\n\r\n", "\r\r"}) {
    int kept = 0;
    for (std::size_t size = answer_watch::max_event_bytes - 6;
         size <= answer_watch::max_event_bytes + 6; ++size) {
      std::string body = opening;
      body.append(size - opening.size() - 5 - end.size(), 'x').append("\"}}]}").append(end);
      CAPTURE(size, end.size());
      REQUIRE(body.size() == size);
      const auto whole = find_out(body, body.size());
      CHECK(find_out(body, 1) == whole);
      CHECK(find_out(body, 4099) == whole);
      CHECK((whole == answer_stage::finished || whole == answer_stage::content));
      kept += whole == answer_stage::finished ? 1 : 0;
    }
    CHECK(kept >= 6);
    CHECK(kept <= 8);
  }
}

}  // namespace
}  // namespace understudy::translate_test
