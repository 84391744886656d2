#include <set>

#include "answer_watch_rows.hpp"
#include "catch.hpp"

using namespace understudy;
using namespace understudy::translate_test;
using translate::answer_stage;
using translate::answer_watch;

namespace {

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

void play_table(const char* file, std::size_t at_least) {
  const auto rows = read_rows(file);
  CHECK(rows.size() >= at_least);
  std::set<std::string> ids;
  answer_watch watch;  // one for all, as in its worker
  for (const auto& row : rows) {
    CHECK(ids.insert(row.id).second);
    for (std::uint32_t seed = 0; seed < 12; ++seed) play(row, watch, seed);
  }
}

}  // namespace

TEST_CASE("answers of OpenAI's chat dialect", "[answers]") { play_table("chat.yaml", 30); }
TEST_CASE("answers of the Responses API", "[answers]") { play_table("responses.yaml", 10); }
TEST_CASE("answers of Anthropic", "[answers]") { play_table("anthropic.yaml", 12); }
TEST_CASE("answers of Gemini", "[answers]") { play_table("gemini.yaml", 8); }
TEST_CASE("answers of Bedrock", "[answers]") { play_table("bedrock.yaml", 14); }
TEST_CASE("answers that are no stream", "[answers]") { play_table("unary.yaml", 25); }

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
