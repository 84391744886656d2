#include <understudy/telemetry/story_book.hpp>

#include <string>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::telemetry;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const proxy::rule_card> card() {
  auto made = std::make_shared<proxy::rule_card>();
  made->route = "default/r";
  made->backends = {{"a", {}}, {"b", {}}};
  return made;
}

struct finished {
  std::string id;
  int status = 200;
  std::chrono::seconds start{0};
  std::vector<std::uint32_t> priorities{0};
};

void add(story_ring& ring, const finished& f, const std::shared_ptr<const proxy::rule_card>& rule) {
  exchange_record record;
  record.request_id = f.id;
  record.model = "m";
  record.status = f.status;
  record.start = base::wall_time{f.start};
  record.elapsed = 10ms;
  std::vector<proxy::story_entry> entries;
  for (const auto priority : f.priorities) {
    record.attempts.emplace_back();
    auto& entry = entries.emplace_back();
    entry.priority = entry.locality = priority;
  }
  ring.add(record, rule, entries, {});
}

std::string ids(const std::vector<request_story>& stories) {
  std::string out;
  for (const auto& s : stories) out += s.request_id + " ";
  return out;
}

}  // namespace

TEST_CASE("the last stories of all workers, newest first") {
  story_book book{3};
  auto* one = book.add_worker();
  auto* two = book.add_worker();
  REQUIRE(one != nullptr);
  CHECK(book.collect({}).empty());
  for (int i = 1; i <= 7; ++i)
    add(i % 2 == 0 ? *two : *one, {std::to_string(i), 200, std::chrono::seconds{i}}, card());
  story_filter all;
  all.limit = 10;
  CHECK(ids(book.collect(all)) == "7 6 5 4 3 2 ");  // 1 has left the ring of its worker
  all.limit = 2;
  CHECK(ids(book.collect(all)) == "7 6 ");
  CHECK(book.find("5")->start == base::wall_time{5s});
  CHECK_FALSE(book.find("1"));
}

TEST_CASE("of one id the newest is found") {
  story_book book{10};
  auto* ring = book.add_worker();
  for (int i = 1; i <= 3; ++i) add(*ring, {"same", 200 + i, std::chrono::seconds{i}}, card());
  CHECK(book.find("same")->status == 203);
}

TEST_CASE("no story is kept where none is wanted") {
  story_book book{0};
  CHECK(book.add_worker() == nullptr);
  CHECK(book.collect({}).empty());
  CHECK_FALSE(book.find(""));
}

TEST_CASE("stories by filter") {
  story_book book{10};
  auto* ring = book.add_worker();
  add(*ring, {"ok", 200, 1s}, card());
  add(*ring, {"over", 200, 2s, {0, 0, 1}}, card());
  add(*ring, {"bad", 503, 3s, {0}}, card());
  add(*ring, {"lost", 404, 4s, {}}, nullptr);
  struct row {
    std::string name;
    story_filter filter;
    std::string found;
  };
  const auto with = [](auto&& set) {
    story_filter filter;
    set(filter);
    return filter;
  };
  const row rows[] = {
      {"all", with([](auto&) {}), "lost bad over ok "},
      {"route", with([](auto& f) { f.route = "default/r"; }), "bad over ok "},
      {"other route", with([](auto& f) { f.route = "x"; }), ""},
      {"backend", with([](auto& f) { f.backend = "b"; }), "over "},
      {"model", with([](auto& f) { f.model = "m"; }), "lost bad over ok "},
      {"status", with([](auto& f) { f.status = 503; }), "bad "},
      {"class", with([](auto& f) { f.status = 4; }), "lost "},
      {"attempts", with([](auto& f) { f.min_attempts = 2; }), "over "},
      {"slow", with([](auto& f) { f.min_elapsed = 11ms; }), ""},
      {"errors", with([](auto& f) { f.only_errors = true; }), "lost bad "},
      {"failovers", with([](auto& f) { f.only_failovers = true; }), "over "},
      {"limit", with([](auto& f) {
         f.only_errors = true;
         f.limit = 1;
       }),
       "lost "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(ids(book.collect(row.filter)) == row.found);
  }
}

TEST_CASE("what clients send is cut, between two characters") {
  story_book book{1};
  auto* ring = book.add_worker();
  exchange_record record;
  const std::string model = std::string(255, 'x') + "ééé";
  record.model = model;
  record.attempts.resize(1'000);
  const std::vector<proxy::failed_attempt> failures(1'000, {"a", std::string(5'000, 'y')});
  ring->add(record, nullptr, {}, failures);
  const auto story = book.collect({}).at(0);
  CHECK(story.model == std::string(255, 'x'));
  CHECK(story.attempts.size() == max_story_attempts);
  CHECK(story.attempts_total == 1'000);
  CHECK(story.causes.size() < 100);
  CHECK(story.causes[0].size() == max_story_text_bytes);
}

TEST_CASE("a story that is overwritten leaves nothing behind") {
  story_book book{1};
  auto* ring = book.add_worker();
  add(*ring, {"first", 503, 1s, {0, 1}}, card());
  add(*ring, {"second", 200, 2s, {0}}, nullptr);
  const auto story = book.collect({}).at(0);
  CHECK(story.request_id == "second");
  CHECK(story.attempts.size() == 1);
  CHECK(story.entries.size() == 1);
  CHECK(story.card == nullptr);
}
