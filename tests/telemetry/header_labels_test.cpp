#include <understudy/telemetry/genai_metrics.hpp>
#include <understudy/telemetry/hub.hpp>

#include <map>
#include <set>

#include "catch.hpp"
#include "telemetry/page_parser.hpp"
#include "telemetry/samples.hpp"

using namespace understudy;
using namespace understudy::telemetry;
using tests::parse_page;

namespace {

const std::string family = "gen_ai_server_request_duration_seconds";
const header_attributes team_and_user = {{"x-team", "team.name"}, {"x-user", "user.id"}};
const plan::backend openai;

struct request {
  explicit request(std::initializer_list<codec::field> given, int status = 200,
                   std::string_view model = "m") {
    for (const auto& [name, value] : given) fields.add(name, value);
    record = tests::failed_over();
    record.is_ai = true;
    record.op = translate::operation::chat_completions;
    record.model = model;
    record.status = status;
    record.attempts[1].to = &openai;
    record.attempts[1].model = model;
    record.answered = 1;
    record.request_fields = &fields;
  }
  codec::field_list fields;
  exchange_record record;
};

void count(genai_metrics& in, std::initializer_list<codec::field> fields, int status = 200,
           std::string_view model = "m") {
  in.count(request{fields, status, model}.record);
}

/// {`team/user`: requests}; `-` where there is no such label.
std::map<std::string, std::uint64_t> by_values(const std::string& text) {
  std::map<std::string, std::uint64_t> out;
  const auto page = parse_page(text, false);
  for (const auto& s : page.families.at(family).samples) {
    if (s.name != family + "_count") continue;
    const auto label = [&](const char* name) {
      const auto found = s.labels.find(name);
      return found == s.labels.end() ? std::string{"-"} : found->second;
    };
    out[label("team_name") + "/" + label("user_id")] += std::stoull(s.value);
  }
  return out;
}

std::map<std::string, std::uint64_t> by_values(const genai_metrics& of) {
  exposition out{false};
  of.expose(out);
  return by_values(out.finish());
}

using counts = std::map<std::string, std::uint64_t>;

}  // namespace

TEST_CASE("mapped header fields are labels, and only where they are mapped") {
  genai_metrics off, on{team_and_user};
  for (auto* one : {&off, &on}) {
    count(*one, {{"X-Team", "red"}, {"x-user", "ann"}});
    count(*one, {{"x-team", "red"}});
    count(*one, {{"x-other", "red"}});
    count(*one, {{"x-team", "red"}, {"x-user", "ann"}});
  }
  CHECK(by_values(off) == counts{{"-/-", 4}});
  CHECK(by_values(on) == counts{{"red/ann", 2}, {"red/-", 1}, {"-/-", 1}});
}

TEST_CASE("a value becomes a label with an answer, if it is short and text") {
  genai_metrics m{team_and_user};
  count(m, {{"x-team", "made-up"}}, 401);
  CHECK(by_values(m) == counts{{"other/-", 1}});
  count(m, {{"x-team", "red"}});
  count(m, {{"x-team", "red"}}, 503);
  const std::string longest(header_labels::max_bytes, 'x');
  count(m, {{"x-team", longest}});
  count(m, {{"x-team", longest + "y"}});
  count(m, {{"x-team", "\xFF"}});
  CHECK(by_values(m) == counts{{"other/-", 3}, {"red/-", 2}, {longest + "/-", 1}});
}

TEST_CASE("values and series are bounded, and models stay told apart") {
  genai_metrics m{team_and_user}, second{team_and_user};
  const int all = 3'000;
  std::set<std::string> models;
  for (int i = 0; i < all; ++i) {
    const auto user = "user-" + std::to_string(i);
    const auto team = "team-" + std::to_string(i % 50);
    const auto model = "model-" + std::to_string(i % 7);
    models.insert(model);
    count(m, {{"x-team", team}, {"x-user", user}}, 200, model);
    count(second, {{"x-team", team}, {"x-user", "u" + std::to_string(i % 60)}}, 200, model);
  }
  genai_metrics merged{team_and_user};
  merged.merge(m);
  merged.merge(second);
  for (const auto* one : {&m, &second, &merged}) {
    exposition out{false};
    one->expose(out);
    std::set<std::string> users, seen_models;
    std::size_t series = 0;
    std::uint64_t total = 0;
    const auto page = parse_page(out.finish(), false);
    for (const auto& s : page.families.at(family).samples) {
      if (s.name != family + "_count") continue;
      ++series;
      total += std::stoull(s.value);
      users.insert(s.labels.at("user_id"));
      seen_models.insert(s.labels.at("gen_ai_original_model"));
    }
    const std::size_t workers = one == &merged ? 2 : 1;
    CHECK(users.size() <= workers * header_labels::max_values + 1);
    CHECK(series <= workers * genai_metrics::max_series + 50);
    CHECK(total == workers * all);
    CHECK(seen_models == models);
  }
}

TEST_CASE("a hub has the labels of all its workers") {
  hub_options options;
  options.access_log_fd = -1;
  options.metric_attributes = team_and_user;
  hub h{options};
  for (const char* team : {"red", "blue", "red"})
    h.add_worker().on_exchange(request({codec::field{"x-team", team}}).record);
  CHECK(by_values(h.scrape(false)) == counts{{"red/-", 2}, {"blue/-", 1}});
}
