#include <understudy/telemetry/genai_metrics.hpp>
#include <understudy/telemetry/hub.hpp>

#include <deque>
#include <set>

#include "catch.hpp"
#include "telemetry/page_parser.hpp"
#include "telemetry/samples.hpp"

using namespace understudy;
using namespace understudy::telemetry;
using std::chrono::milliseconds;
using tests::parse_page;

namespace {

using label_map = std::map<std::string, std::string>;

plan::rule rule_with(const std::string& override_name, const std::string& matched) {
  plan::rule r;
  r.backends.resize(2);
  r.backends[0].schema = translate::schema::openai;
  r.backends[1].schema = translate::schema::aws_bedrock;
  r.backends[1].model_override = override_name;
  plan::match m;
  m.headers.push_back({"x-ai-eg-model", matched, {}});
  r.matches.push_back(m);
  return r;
}

/// A stream that Bedrock answered after 250 ms, ending after 1.25 s with 11 tokens.
exchange_record stream(const plan::rule& rule) {
  auto r = tests::failed_over();
  r.is_ai = r.is_stream = true;
  r.op = translate::operation::chat_completions;
  r.matched = &rule;
  r.model = "asked";
  r.attempts[1].to = &rule.backends[1];
  r.attempts[1].model = rule.backends[1].model_override;
  r.attempts[1].elapsed = milliseconds{1'250};
  r.attempts[1].time_to_content = milliseconds{250};
  r.answered = 1;
  r.model_answered.assign("answered");
  r.usage.input = 100;
  r.usage.output = 11;
  return r;
}

label_map common(const label_map& more = {}) {
  label_map out = {{"gen_ai_operation_name", "chat"},
                   {"gen_ai_provider_name", "aws.bedrock"},
                   {"gen_ai_original_model", "asked"},
                   {"gen_ai_request_model", "sent"},
                   {"gen_ai_response_model", "answered"},
                   {"otel_scope_name", "envoyproxy/ai-gateway"},
                   {"otel_scope_version", ""},
                   {"otel_scope_schema_url", ""}};
  for (const auto& [k, v] : more) out[k] = v;
  return out;
}

tests::page page_of(const genai_metrics& m, bool is_openmetrics = false) {
  exposition out{is_openmetrics};
  m.expose(out);
  return parse_page(out.finish(), is_openmetrics);
}

std::vector<std::string> bounds_of(const tests::page& page, const std::string& family) {
  std::vector<std::string> out;
  for (const auto& s : page.families.at(family).samples)
    if (s.name == family + "_bucket") out.push_back(s.labels.at("le"));
  return out;
}

}  // namespace

TEST_CASE("a stream gives the samples that existing dashboards look for") {
  const auto rule = rule_with("sent", "asked");
  for (const bool is_openmetrics : {false, true}) {
    genai_metrics m;
    m.count(stream(rule));
    const auto page = page_of(m, is_openmetrics);
    const auto value = [&](const std::string& family, const std::string& suffix,
                           const label_map& with) {
      return page.at(family, family + suffix, with).value;
    };
    const std::string tokens = "gen_ai_client_token_usage";
    CHECK(value(tokens, "_sum", common({{"gen_ai_token_type", "input"}})) == "100");
    CHECK(value(tokens, "_sum", common({{"gen_ai_token_type", "output"}})) == "11");
    CHECK(value(tokens, "_count", common({{"gen_ai_token_type", "output"}})) == "1");
    CHECK(value("gen_ai_server_request_duration_seconds", "_sum", common()) == "1.25");
    CHECK(value("gen_ai_server_time_to_first_token_seconds", "_sum", common()) == "0.25");
    CHECK(value("gen_ai_server_time_per_output_token_seconds", "_sum", common()) == "0.1");
    // Types that nobody has told are no samples.
    CHECK(page.families.at(tokens).samples.size() == 2 * 17);
  }
}

TEST_CASE("buckets are those of the gateway that dashboards were made for") {
  const auto rule = rule_with("sent", "asked");
  genai_metrics m;
  auto record = stream(rule);
  record.usage.output.reset();
  m.count(record);
  const auto page = page_of(m);
  CHECK(bounds_of(page, "gen_ai_client_token_usage") ==
        std::vector<std::string>{"1", "4", "16", "64", "256", "1024", "4096", "16384", "65536",
                                 "262144", "1048576", "4194304", "16777216", "67108864", "+Inf"});
  CHECK(bounds_of(page, "gen_ai_server_request_duration_seconds") ==
        std::vector<std::string>{"0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64", "1.28",
                                 "2.56", "5.12", "10.24", "20.48", "40.96", "81.92", "+Inf"});
  CHECK(bounds_of(page, "gen_ai_server_time_to_first_token_seconds") ==
        std::vector<std::string>{"0.001", "0.005", "0.01", "0.02", "0.04", "0.06", "0.08", "0.1",
                                 "0.25",  "0.5",   "0.75", "1",    "2.5",  "5",    "7.5",  "10",
                                 "15",    "20",    "30",   "45",   "60",   "+Inf"});
  CHECK(page.families.at("gen_ai_server_time_per_output_token_seconds").samples.empty());
  m.count(stream(rule));
  CHECK(bounds_of(page_of(m), "gen_ai_server_time_per_output_token_seconds") ==
        std::vector<std::string>{"0.01", "0.025", "0.05", "0.075", "0.1", "0.15", "0.2", "0.3",
                                 "0.4", "0.5", "0.75", "1", "2.5", "+Inf"});
}

TEST_CASE("a value on a bound is below it") {
  const auto rule = rule_with("sent", "asked");
  genai_metrics m;
  auto record = stream(rule);
  record.attempts[1].elapsed = milliseconds{10};
  m.count(record);
  record.attempts[1].elapsed += std::chrono::nanoseconds{1};
  m.count(record);
  const std::string family = "gen_ai_server_request_duration_seconds";
  const auto page = page_of(m);
  CHECK(page.at(family, family + "_bucket", common({{"le", "0.01"}})).value == "1");
  CHECK(page.at(family, family + "_bucket", common({{"le", "0.02"}})).value == "2");
}

TEST_CASE("a failure has a duration and nothing else") {
  const auto rule = rule_with("sent", "asked");
  genai_metrics m;
  auto record = stream(rule);
  record.status = 503;
  record.origin = error_origin::proxy;
  record.attempts[1].outcome = attempt_outcome::closed;
  record.answered = exchange_record::no_attempt;
  m.count(record);
  const auto page = page_of(m);
  const std::string family = "gen_ai_server_request_duration_seconds";
  CHECK(page.at(family, family + "_count",
                common({{"error_type", "_OTHER"}, {"gen_ai_response_model", "unknown"}}))
            .value == "1");
  CHECK(page.families.at("gen_ai_client_token_usage").samples.empty());
  CHECK(page.families.at("gen_ai_server_time_to_first_token_seconds").samples.empty());
}

TEST_CASE("who was never asked, and who left, is no sample") {
  const auto rule = rule_with("sent", "asked");
  genai_metrics m;
  auto nobody = stream(rule);
  nobody.attempts.clear();
  m.count(nobody);
  auto left = stream(rule);
  left.attempts[1].outcome = attempt_outcome::cancelled;
  m.count(left);
  auto plain = stream(rule);
  plain.is_ai = false;
  m.count(plain);
  auto unknown = stream(rule);
  unknown.op = translate::operation::openai_other;
  m.count(unknown);
  for (const auto& [name, family] : page_of(m).families) CHECK(family.samples.empty());
}

TEST_CASE("names that clients make up are no labels until a provider knows them") {
  const auto rule = rule_with("", "configured");
  const auto originals = [](const genai_metrics& m) {
    std::set<std::string> out;
    const auto page = page_of(m);
    for (const auto& s : page.families.at("gen_ai_server_request_duration_seconds").samples)
      out.insert(s.labels.at("gen_ai_original_model"));
    return out;
  };
  const auto asked = [&](std::string_view name, int status) {
    auto r = stream(rule);
    r.model = r.attempts[1].model = name;
    r.status = status;
    return r;
  };
  genai_metrics m;
  m.count(asked("made-up", 404));
  CHECK(originals(m) == std::set<std::string>{"other"});
  m.count(asked("configured", 500));
  CHECK(originals(m) == std::set<std::string>{"other", "configured"});
  m.count(asked("made-up", 200));
  m.count(asked("made-up", 500));
  CHECK(originals(m) == std::set<std::string>{"other", "configured", "made-up"});
}

TEST_CASE("the number of series is bounded whatever clients ask and providers answer") {
  const auto rule = rule_with("", "configured");
  std::deque<std::string> names;
  genai_metrics m;
  genai_metrics other;
  for (int i = 0; i < 5'000; ++i) {
    names.push_back("model-" + std::to_string(i));
    auto r = stream(rule);
    r.model = r.attempts[1].model = names.back();
    r.model_answered.assign(names.back() + "x");
    m.count(r);
    r.model = r.attempts[1].model = names[names.size() / 2];
    other.count(r);
  }
  genai_metrics merged;
  merged.merge(m);
  merged.merge(other);
  for (const auto* one : {&m, &other, &merged}) {
    const auto page = page_of(*one);
    const std::string family = "gen_ai_server_request_duration_seconds";
    std::size_t series = 0;
    std::uint64_t total = 0;
    for (const auto& s : page.families.at(family).samples)
      if (s.name == family + "_count") {
        ++series;
        total += std::stoull(s.value);
      }
    CHECK(series <= genai_metrics::max_series + 8);
    CHECK(total == (one == &merged ? 10'000U : 5'000U));
  }
}

TEST_CASE("a scrape has the GenAI families and the costs") {
  const auto rule = rule_with("sent", "asked");
  hub_options quiet;
  quiet.access_log_fd = -1;
  hub h{quiet};
  for (int i = 0; i < 2; ++i) {
    auto& worker = h.add_worker();
    auto record = stream(rule);
    record.costs = {{"k", 5}, {"l", 0}};
    record.cost_errors = 1;
    record.time_to_content = milliseconds{500};
    worker.on_exchange(record);
  }
  const auto page = parse_page(h.scrape(true), true);
  const std::string family = "gen_ai_server_request_duration_seconds";
  CHECK(page.at(family, family + "_count", common()).value == "2");
  CHECK(page.at("understudy_cost", "understudy_cost_total", {{"route", "default/r"}, {"key", "k"}})
            .value == "10");
  CHECK(page.at("understudy_cost", "understudy_cost_total", {{"route", "default/r"}, {"key", "l"}})
            .value == "0");
  CHECK(page.at("understudy_cost_errors", "understudy_cost_errors_total", {{"route", "default/r"}})
            .value == "2");
  CHECK(page.at("understudy_time_to_first_content_seconds",
                "understudy_time_to_first_content_seconds_count", {{"route", "default/r"}})
            .value == "2");
}
