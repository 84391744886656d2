#include <understudy/telemetry/header_attributes.hpp>

#include <map>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::telemetry;

namespace {

using variables = std::map<std::string, std::string>;

constexpr auto for_all = "OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES";
constexpr auto for_spans = "OTEL_AIGW_SPAN_REQUEST_HEADER_ATTRIBUTES";
constexpr auto for_metrics = "OTEL_AIGW_METRICS_REQUEST_HEADER_ATTRIBUTES";
constexpr auto for_log = "OTEL_AIGW_LOG_REQUEST_HEADER_ATTRIBUTES";

/// `header=attribute` of each, or the error.
std::string read(const variables& set, signal_kind of) {
  const auto result = read_header_attributes(
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = set.find(name);
        if (found == set.end()) return std::nullopt;
        return found->second;
      },
      of);
  if (!result.error.empty()) return result.error;
  std::string out;
  for (const auto& [header, attribute] : result.all)
    out += (out.empty() ? "" : " ") + header + "=" + attribute;
  return out;
}

}  // namespace

TEST_CASE("maps of header fields to attributes") {
  const std::string by_default = "agent-session-id=session.id";
  const std::string malformed = " is not a list such as `x-session-id:session.id`";
  const std::string secret = " holds a secret and can't be shown; leave it out";
  const std::string taken = " is a label of the metrics already; call it otherwise";
  struct row {
    variables set;
    signal_kind of;
    std::string expected;
  };
  constexpr auto spans = signal_kind::spans, metrics = signal_kind::metrics,
                 log = signal_kind::access_log;
  const row rows[] = {
      {{}, spans, by_default},
      {{}, log, by_default},
      {{}, metrics, ""},
      {{{for_spans, ""}, {for_log, "x-a:a"}}, spans, ""},
      {{{for_spans, "x-a:a"}, {for_log, ""}}, log, ""},
      {{{for_metrics, " "}}, metrics, ""},
      {{{for_all, "X-Team:team"}}, metrics, "x-team=team"},
      {{{for_all, "X-Team:team"}}, log, "x-team=team " + by_default},
      {{{for_all, " X-Team : team , x-b:b.c"}, {for_spans, ""}}, spans, "x-team=team x-b=b.c"},
      {{{for_all, "x-team:team"}, {for_metrics, "x-team:squad,x-b:b"}},
       metrics,
       "x-team=squad x-b=b"},
      {{{for_all, "x-team:team"}, {for_metrics, "x-b:b"}}, log, "x-team=team " + by_default},
      {{{for_all, "a"}}, metrics, std::string{for_all} + malformed},
      {{{for_all, "a:"}}, spans, std::string{for_all} + malformed},
      {{{for_log, ":a"}}, log, std::string{for_log} + malformed},
      {{{for_spans, "a:b,,c:d"}}, spans, std::string{for_spans} + malformed},
      {{{for_metrics, "a:b,"}}, metrics, std::string{for_metrics} + malformed},
      {{{for_all, "Authorization:user"}},
       spans,
       std::string{for_all} + ": `authorization`" + secret},
      {{{for_log, "x-api-key:k"}}, log, std::string{for_log} + ": `x-api-key`" + secret},
      {{{for_metrics, "a:b,cookie:k"}}, metrics, std::string{for_metrics} + ": `cookie`" + secret},
      {{{for_spans, "x-aigw-gcp-access-token:k"}},
       spans,
       std::string{for_spans} + ": `x-aigw-gcp-access-token`" + secret},
      {{{for_metrics, "x-m:gen_ai.request.model"}},
       metrics,
       std::string{for_metrics} + ": `gen_ai.request.model`" + taken},
      {{{for_all, "x-m:le"}}, metrics, std::string{for_all} + ": `le`" + taken},
      {{{for_all, "x-m:__name__"}}, metrics, std::string{for_all} + ": `__name__`" + taken},
      {{{for_all, "x-m:le"}, {for_log, ""}}, log, "x-m=le"},
  };
  for (const auto& r : rows) {
    INFO(r.expected);
    CHECK(read(r.set, r.of) == r.expected);
  }
}

TEST_CASE("names of attributes as labels") {
  CHECK(label_name("session.id") == "session_id");
  CHECK(label_name("a-b/c d") == "a_b_c_d");
  CHECK(label_name("Team_1") == "Team_1");
  CHECK(label_name("1st") == "key_1st");
  CHECK(label_name("caf\xC3\xA9") == "caf__");
}

TEST_CASE("of two fields that are one attribute the first that is there counts") {
  const header_attributes map = {{"x-a", "id"}, {"x-b", "id"}, {"x-c", "other"}};
  codec::field_list both, second;
  both.add("X-A", "1");
  both.add("x-b", "2");
  second.add("x-a", "");
  second.add("x-b", "2");
  CHECK(attribute_value(map, 0, both) == "1");
  CHECK(attribute_value(map, 1, both).empty());
  CHECK(attribute_value(map, 2, both).empty());
  CHECK(attribute_value(map, 0, second).empty());
  CHECK(attribute_value(map, 1, second) == "2");
}
