#include <understudy/proxy/affinity.hpp>
#include <understudy/proxy/downstream_head.hpp>
#include <understudy/proxy/load_report.hpp>

#include <understudy/codec/text.hpp>
#include <understudy/resilience/hash.hpp>

#include "catch.hpp"

using namespace understudy;
using source = plan::hash_input::source;
using std::chrono::milliseconds;

namespace {

codec::request_head head_with(std::initializer_list<codec::field> fields) {
  codec::request_head head;
  head.method = "GET";
  for (const auto& f : fields) head.fields.add(f.name, f.value);
  return head;
}

proxy::affinity read(const plan::rule& rule, const codec::request_head& head,
                     std::string_view query = {}) {
  base::seeded_random random{1};
  return proxy::affinity_of(rule, head, query, "10.1.1.1", random);
}

plan::rule hashing(source from, std::vector<std::string> names) {
  plan::rule rule;
  rule.hash = plan::hash_input{from, std::move(names), {}, {}};
  return rule;
}

}  // namespace

TEST_CASE("no affinity, no hint", "[affinity]") {
  const auto made = read(plan::rule{}, head_with({{"cookie", "a=b"}}));
  CHECK_FALSE(made.hint.hash);
  CHECK_FALSE(made.hint.session);
}

TEST_CASE("hash inputs", "[affinity]") {
  SECTION("client address") {
    CHECK(read(hashing(source::client_address, {}), head_with({})).hint.hash ==
          resilience::hash_text("10.1.1.1"));
  }
  SECTION("headers combine, in their order") {
    const auto both = hashing(source::headers, {"x-a", "x-b"});
    const auto one = read(both, head_with({{"X-A", "1"}}));
    CHECK(one.hint.hash == resilience::hash_text("1"));
    const auto two = read(both, head_with({{"X-A", "1"}, {"x-b", "2"}}));
    const auto swapped = read(both, head_with({{"x-a", "2"}, {"x-b", "1"}}));
    CHECK(two.hint.hash != one.hint.hash);
    CHECK(two.hint.hash != swapped.hint.hash);
    CHECK_FALSE(read(both, head_with({{"x-c", "1"}})).hint.hash);
  }
  SECTION("query parameters") {
    const auto rule = hashing(source::query, {"user"});
    CHECK(read(rule, head_with({}), "a=1&user=me&user=you").hint.hash ==
          resilience::hash_text("me"));
    CHECK_FALSE(read(rule, head_with({}), "users=me").hint.hash);
  }
  SECTION("cookie") {
    const auto rule = hashing(source::cookie, {"seat"});
    const auto wanted = resilience::hash_text("17");
    CHECK(read(rule, head_with({{"Cookie", "a=b; seat=17"}})).hint.hash == wanted);
    CHECK(read(rule, head_with({{"cookie", "a=b"}, {"cookie", "seat=\"17\""}})).hint.hash ==
          wanted);
    const auto none = read(rule, head_with({{"cookie", "Seat=17; seat2=1"}}));
    CHECK_FALSE(none.hint.hash);
    CHECK(none.new_cookie.empty());
  }
}

TEST_CASE("a missing hash cookie is made", "[affinity]") {
  auto rule = hashing(source::cookie, {"seat"});
  rule.hash->cookie_ttl = milliseconds{60'000};
  rule.hash->cookie_attributes = {{"SameSite", "Strict"}, {"Secure", ""}};
  const auto made = read(rule, head_with({}));
  REQUIRE(made.hint.hash);
  const auto& text = made.new_cookie;
  REQUIRE(text.starts_with("seat="));
  const auto value = text.substr(5, 16);
  CHECK(text == "seat=" + value + "; Max-Age=60; SameSite=Strict; Secure; Path=/; HttpOnly");
  CHECK(made.hint.hash == resilience::hash_text(value));
  // The client that comes back with it gets the same hash and no new one.
  const auto again = read(rule, head_with({{"cookie", "seat=" + value}}));
  CHECK(again.hint.hash == made.hint.hash);
  CHECK(again.new_cookie.empty());
  rule.hash->cookie_ttl = milliseconds{0};
  CHECK(read(rule, head_with({})).new_cookie.find("Max-Age") == std::string::npos);
}

TEST_CASE("sessions", "[affinity]") {
  plan::rule rule;
  rule.session = plan::session_persistence{true, "sid", milliseconds{3'600'000}};
  const auto none = read(rule, head_with({}));
  CHECK_FALSE(none.hint.session);
  const auto field = proxy::session_field(rule, none.hint, 0x1234abcd);
  REQUIRE(field);
  CHECK(field->name == "set-cookie");
  CHECK(field->value == "sid=000000001234abcd; Max-Age=3600; Path=/; HttpOnly");
  const auto known = read(rule, head_with({{"cookie", "sid=000000001234abcd"}}));
  CHECK(known.hint.session == 0x1234abcdU);
  CHECK_FALSE(proxy::session_field(rule, known.hint, 0x1234abcd));
  CHECK(proxy::session_field(rule, known.hint, 0x77));
  for (const auto* bad : {"sid=", "sid=12", "sid=00000000zzzzzzzz", "sid=000000001234abcd0"})
    CHECK_FALSE(read(rule, head_with({{"cookie", bad}})).hint.session);

  rule.session = plan::session_persistence{false, "x-seat", {}};
  CHECK(read(rule, head_with({{"X-Seat", "000000001234abcd"}})).hint.session == 0x1234abcdU);
  CHECK(proxy::session_field(rule, {}, 5)->name == "x-seat");
}

TEST_CASE("load reports", "[affinity]") {
  const plan::load_reports plain;
  const plan::load_reports named{{"named_metrics.queue", "mem_utilization"}, false};
  const auto report = [](const plan::load_reports& settings, std::string_view name,
                         std::string_view value) {
    codec::field_list fields;
    fields.add(name, value);
    return proxy::read_load_report(fields, settings);
  };
  const std::string field = "Endpoint-Load-Metrics";
  SECTION("text") {
    const auto r =
        report(plain, field, "TEXT cpu_utilization=0.25, rps_fractional=100,eps=2.5, other=1");
    REQUIRE(r);
    CHECK(r->utilization == 0.25);
    CHECK(r->qps == 100);
    CHECK(r->eps == 2.5);
  }
  SECTION("the application's number wins, then the largest named one") {
    const std::string all =
        "TEXT cpu_utilization=0.1,mem_utilization=0.2,named_metrics.queue=0.6,rps_fractional=1";
    CHECK(report(plain, field, all)->utilization == 0.1);
    CHECK(report(named, field, all)->utilization == 0.6);
    CHECK(report(named, field, all + ",application_utilization=0.4")->utilization == 0.4);
  }
  SECTION("JSON, both spellings") {
    const auto r = report(named, field,
                          R"(JSON {"cpuUtilization":0.3,"rps_fractional":7,"eps":1,)"
                          R"("namedMetrics":{"queue":0.9,"x":"y"}})");
    REQUIRE(r);
    CHECK(r->utilization == 0.9);
    CHECK(r->qps == 7);
  }
  SECTION("binary") {
    // cpu_utilization 0.5, rps_fractional 8, named_metrics {queue: 0.25}
    const std::string half{"\x09\0\0\0\0\0\0\xe0\x3f", 9};
    const std::string rps{"\x31\0\0\0\0\0\0\x20\x40", 9};
    const std::string entry{"\x0a\x05queue\x11\0\0\0\0\0\0\xd0\x3f", 16};
    const std::string bytes = half + rps + "\x42\x10" + entry;
    CHECK(report(plain, "endpoint-load-metrics-bin", codec::base64_encode(bytes))->utilization ==
          0.5);
    const auto r = report(named, field, "BIN " + codec::base64_encode(bytes));
    REQUIRE(r);
    CHECK(r->utilization == 0.25);
    CHECK(r->qps == 8);
    for (std::size_t cut = 1; cut < bytes.size(); ++cut)
      report(named, field, "BIN " + codec::base64_encode(bytes.substr(0, cut)));
  }
  SECTION("unreadable") {
    for (const auto* bad : {"", "TEXT", "TEXT a", "TEXT a=b", "JSON", "JSON {\"eps\":", "BIN !",
                            "XML <a/>", "BIN CQ=="}) {
      CAPTURE(bad);
      const auto r = report(plain, field, bad);
      CHECK((!r || (r->qps == 0 && r->utilization == 0)));
    }
    CHECK_FALSE(report(plain, "x-other", "TEXT eps=1"));
  }
}

TEST_CASE("the client sees what it is told, not the load report", "[affinity]") {
  codec::response_head head;
  head.status = 200;
  head.fields.add("Set-Cookie", "theirs=1");
  head.fields.add("endpoint-load-metrics", "TEXT eps=1");
  const std::vector<codec::owned_field> extra{{"set-cookie", "sid=1"}};
  proxy::response_notes notes;
  notes.extra = extra;
  std::string out;
  proxy::append_downstream_head(out, head, {}, nullptr, {}, notes, false);
  CHECK(out.find("Set-Cookie: theirs=1\r\n") != std::string::npos);
  CHECK(out.find("set-cookie: sid=1\r\n") != std::string::npos);
  CHECK(out.find("endpoint-load-metrics") != std::string::npos);
  notes.hides_load_report = true;
  out.clear();
  proxy::append_downstream_head(out, head, {}, nullptr, {}, notes, false);
  CHECK(out.find("endpoint-load-metrics") == std::string::npos);
}
