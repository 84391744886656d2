#include <understudy/simulate/render.hpp>

#include <understudy/config/json_writer.hpp>

#include "simulate/words.hpp"

namespace understudy::simulate {
namespace {

using config::json_writer;

std::int64_t thousandths(double value) { return static_cast<std::int64_t>(value * 1000 + 0.5); }

/// Times are seconds with three decimals.
void time(json_writer& json, std::string_view key, microseconds t) {
  json.key(key).thousandths(std::chrono::round<std::chrono::milliseconds>(t).count());
}

void latency(json_writer& json, std::string_view key, const percentiles& p) {
  json.key(key).open_object();
  time(json, "p50", p.p50);
  time(json, "p90", p.p90);
  time(json, "p95", p.p95);
  time(json, "p99", p.p99);
  time(json, "max", p.max);
  json.close_object();
}

void series(json_writer& json, std::string_view key, const std::vector<std::uint32_t>& values) {
  json.key(key).open_array();
  for (const auto v : values) json.number(v);
  json.close_array();
}

void span_fields(json_writer& json, const span& s) {
  time(json, "from", s.from);
  time(json, "until", s.until);
}

void backend(json_writer& json, const backend_story& b) {
  json.open_object().field("name", b.name).field("rule", b.rule).count("priority", b.priority);
  json.count("endpoints", b.endpoints);
  json.count("attempts", static_cast<std::int64_t>(b.attempts));
  json.count("answered", static_cast<std::int64_t>(b.answered));
  json.count("failed", static_cast<std::int64_t>(b.failed));
  json.count("ejections", b.ejections);
  json.key("ejected").open_array();
  for (const auto& s : b.ejected) {
    json.open_object();
    span_fields(json, s);
    json.close_object();
  }
  json.close_array().key("faults").open_array();
  for (const auto& f : b.faults) {
    json.open_object();
    span_fields(json, f.when);
    json.field("what", f.text).close_object();
  }
  json.close_array();
  series(json, "attemptsPerBucket", b.attempts_in);
  series(json, "failuresPerBucket", b.failures_in);
  json.close_object();
}

void cause(json_writer& json, const client_cause& c) {
  json.open_object().field("what", c.what).count("count", static_cast<std::int64_t>(c.count));
  time(json, "first", c.first);
  time(json, "last", c.last);
  json.key("responsible").open_object();
  json.field("object", c.responsible.object).field("field", c.responsible.field);
  json.field("file", c.responsible.at.file).count("line", c.responsible.at.line);
  json.count("column", c.responsible.at.column).close_object();
  json.field("why", c.why).field("change", c.change);
  json.key("clientErrorsWithChange");
  if (c.errors_with_change)
    json.number(static_cast<std::int64_t>(*c.errors_with_change));
  else
    json.null();
  json.close_object();
}

void summary(json_writer& json, const report& r) {
  json.count("requests", static_cast<std::int64_t>(r.requests));
  json.count("streams", static_cast<std::int64_t>(r.streams));
  json.count("clientErrors", static_cast<std::int64_t>(r.errors));
  json.key("availability").thousandths(thousandths(r.availability));
  json.count("savedByRetry", static_cast<std::int64_t>(r.saved));
  json.count("attempts", static_cast<std::int64_t>(r.attempts));
  json.count("extraAttempts", static_cast<std::int64_t>(r.extra_attempts));
  json.count("cancelledAttempts", static_cast<std::int64_t>(r.cancelled));
  json.key("costFactor").thousandths(thousandths(r.cost_factor));
  latency(json, "firstContent", r.first_content);
  latency(json, "wholeAnswer", r.whole);
  time(json, "longestWait", r.longest);
  json.key("longestWaitAllowed");
  if (r.policy_limit)
    json.thousandths(std::chrono::round<std::chrono::milliseconds>(*r.policy_limit).count());
  else
    json.null();
}

void timeline(json_writer& json, const report& r) {
  json.key("timeline").open_array();
  for (const auto& row : r.timeline) {
    json.open_object();
    time(json, "at", row.at);
    time(json, "last", row.last);
    json.field("kind", name(row.kind)).field("backend", row.backend);
    json.count("count", static_cast<std::int64_t>(row.count));
    json.field("text", sentence_of(row)).close_object();
  }
  json.close_array();
}

}  // namespace

std::string to_json(const report& story) {
  json_writer json;
  json.open_object().field("scenario", story.scenario).field("about", story.about);
  json.key("configuration").open_array();
  for (const auto& file : story.configuration) json.text(file);
  json.close_array();
  time(json, "duration", story.duration);
  json.field("load", story.load).count("seed", static_cast<std::int64_t>(story.seed));
  summary(json, story);
  json.key("backends").open_array();
  for (const auto& b : story.backends) backend(json, b);
  json.close_array();
  timeline(json, story);
  json.key("causes").open_array();
  for (const auto& c : story.causes) cause(json, c);
  json.close_array().key("expectations").open_array();
  for (const auto& e : story.expectations) {
    json.open_object().field("field", e.wanted.field).field("wanted", wanted_text(e));
    json.field("is", got_text(e)).flag("holds", e.is_met).close_object();
  }
  json.close_array().flag("holds", story.is_met());
  time(json, "bucket", story.bucket);
  series(json, "requestsPerBucket", story.requests_in);
  series(json, "clientErrorsPerBucket", story.errors_in);
  return json.close_object().str();
}

}  // namespace understudy::simulate
