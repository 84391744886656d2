#include <understudy/trace/context.hpp>
#include <understudy/trace/propagation.hpp>

#include <map>
#include <string>

#include "catch.hpp"

using namespace understudy::trace;
using understudy::codec::field_list;

namespace {

constexpr auto trace_text = "0af7651916cd43dd8448eb211c80319c";
constexpr auto span_text = "b7ad6b7169203331";
const std::string good = std::string{"00-"} + trace_text + "-" + span_text + "-01";

std::string changed(std::size_t at, char to) {
  auto text = good;
  text[at] = to;
  return text;
}

std::map<std::string, std::string> sent(const carrier& c) {
  std::map<std::string, std::string> out;
  for (const auto& f : c.fields()) out.emplace(f.name, f.value);
  return out;
}

}  // namespace

TEST_CASE("a traceparent is read strictly") {
  struct row {
    const char* what;
    std::string text;
    bool is_valid;
  };
  const row rows[] = {
      {"the example of the standard", good, true},
      {"not sampled", changed(54, '0'), true},
      {"unknown flags", changed(53, 'f'), true},
      {"empty", "", false},
      {"one character short", good.substr(0, 54), false},
      {"one character more", good + "0", false},
      {"more behind a dash, in version 00", good + "-00", false},
      {"more behind a dash, in a later version", "cc" + good.substr(2) + "-what-ever", true},
      {"more without a dash, in a later version", "cc" + good.substr(2) + "x", false},
      {"a later version of the same length", "cc" + good.substr(2), true},
      {"version ff", "ff" + good.substr(2), false},
      {"version in upper case", "CC" + good.substr(2), false},
      {"trace id in upper case", changed(4, 'A'), false},
      {"no digit in the trace id", changed(10, 'g'), false},
      {"no digit in the span id", changed(40, 'x'), false},
      {"no digit in the flags", changed(53, '.'), false},
      {"a blank for a dash", changed(2, ' '), false},
      {"another dash missing", changed(35, '0'), false},
      {"the last dash missing", changed(52, '0'), false},
      {"trace id of zeros", std::string{"00-"} + std::string(32, '0') + "-" + span_text + "-01",
       false},
      {"span id of zeros", std::string{"00-"} + trace_text + "-" + std::string(16, '0') + "-01",
       false},
      {"white space around it", " " + good, false},
      {"two in one", good + "," + good, false},
  };
  for (const auto& r : rows) {
    INFO(r.what);
    CHECK(parse_traceparent(r.text).has_value() == r.is_valid);
  }
}

TEST_CASE("a traceparent keeps its parts") {
  const auto read = parse_traceparent(changed(54, '3'));
  REQUIRE(read);
  CHECK(to_text(read->trace) == trace_text);
  CHECK(to_text(read->span) == span_text);
  CHECK(read->is_sampled);
  CHECK(read->is_random);
  char written[traceparent_bytes];
  write_traceparent(written, *read);
  CHECK(std::string{written, sizeof written} == changed(54, '3'));
  CHECK_FALSE(parse_traceparent(changed(54, '0'))->is_sampled);
}

TEST_CASE("a tracestate is a list of well-formed members") {
  struct row {
    std::string text;
    bool is_valid;
  };
  std::string many = "k0=v";
  for (int i = 1; i < 32; ++i) many += ",k" + std::to_string(i) + "=v";
  const row rows[] = {
      {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true},
      {"a=1, b=2 ,\tc=3", true},
      {"a=1,,b=2", true},
      {"fw529a3039@dt=FfGhL", true},
      {"0abc=x y", true},
      {"", false},
      {",", false},
      {"a", false},
      {"=v", false},
      {"a=", false},
      {"A=1", false},
      {"a=b=c", false},
      {"a@b@c=1", false},
      {"a@=1", false},
      {"a=\x01", false},
      {"a=\xC3\xA4", false},
      {many, true},
      {many + ",k32=v", false},
      {std::string(257, 'a') + "=v", false},
  };
  for (const auto& r : rows) {
    INFO(r.text);
    CHECK(is_tracestate(r.text) == r.is_valid);
  }
}

TEST_CASE("contexts of other formats") {
  const std::string b3 = std::string{trace_text} + "-" + span_text;
  CHECK(parse_b3(b3 + "-1")->is_sampled);
  CHECK(parse_b3(b3 + "-d")->is_sampled);
  CHECK(parse_b3(b3 + "-1-00f067aa0ba902b7")->is_sampled);
  CHECK_FALSE(parse_b3(b3 + "-0")->is_sampled);
  CHECK(parse_b3("0af7651916cd43dd-b7ad6b7169203331-1")->trace.high == 0);
  CHECK_FALSE(parse_b3("0"));
  CHECK_FALSE(parse_b3("xx-yy"));
  CHECK_FALSE(parse_b3(std::string(32, '0') + "-" + span_text + "-1"));
  CHECK(parse_jaeger("3bf1:a:0:1")->span == 0xA);
  CHECK(parse_jaeger("3bf1:a:0:1")->is_sampled);
  CHECK_FALSE(parse_jaeger("3bf1:a:0:0")->is_sampled);
  CHECK_FALSE(parse_jaeger("3bf1:0:0:1"));
  CHECK_FALSE(parse_jaeger("3bf1:a"));
}

TEST_CASE("what a client sends is taken up, and a malformed context begins a new trace") {
  std::string joined;
  const propagators w3c{propagator::tracecontext};
  field_list fields;
  CHECK_FALSE(extract(fields, w3c, joined));

  fields.add("Traceparent", good);
  fields.add("tracestate", "a=1");
  fields.add("tracestate", "b=2");
  auto found = extract(fields, w3c, joined);
  REQUIRE(found);
  CHECK(to_text(found->context.trace) == trace_text);
  CHECK(found->state == "a=1,b=2");

  // A malformed state is dropped alone; two parents are none.
  field_list bad_state;
  bad_state.add("traceparent", good);
  bad_state.add("tracestate", "B=2");
  CHECK(extract(bad_state, w3c, joined)->state.empty());
  fields.add("traceparent", good);
  CHECK_FALSE(extract(fields, w3c, joined));
  CHECK_FALSE(extract(bad_state, {propagator::b3}, joined));
  CHECK_FALSE(extract(bad_state, {}, joined));

  // The last format that has one counts.
  bad_state.add("x-b3-traceid", "1000000000000000");
  bad_state.add("x-b3-spanid", span_text);
  bad_state.add("x-b3-sampled", "1");
  const auto b3 = extract(bad_state, {propagator::tracecontext, propagator::b3multi}, joined);
  CHECK(b3->context.trace.high == 0);
}

TEST_CASE("each format is written as it is read") {
  const auto context = *parse_traceparent(good);
  carrier c;
  c.inject(context, "a=1",
           {propagator::tracecontext, propagator::b3, propagator::b3multi, propagator::jaeger});
  auto fields = sent(c);
  CHECK(fields["traceparent"] == good);
  CHECK(fields["tracestate"] == "a=1");
  CHECK(*parse_b3(fields["b3"]) == context);
  CHECK(*parse_b3(fields["x-b3-traceid"], fields["x-b3-spanid"], fields["x-b3-sampled"], {}) ==
        context);
  CHECK(*parse_jaeger(fields["uber-trace-id"]) == context);
  // Without a state the client's is not sent either.
  c.inject(context, {}, {propagator::tracecontext});
  fields = sent(c);
  CHECK(fields.contains("tracestate"));
  CHECK(fields["tracestate"].empty());
}
