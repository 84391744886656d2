#include <understudy/plan/setting.hpp>

#include <set>

#include "catch.hpp"

namespace understudy::plan {

namespace {

std::vector<written_field> written(std::initializer_list<const char*> fields) {
  std::vector<written_field> out;
  int line = 0;
  for (const char* f : fields) out.push_back({"Policy default/p", f, {"p.yaml", ++line, 3}});
  return out;
}

}  // namespace

TEST_CASE("a value comes from whoever wins, a default from where it stands") {
  struct row {
    setting what;
    std::vector<written_field> written;
    std::string field;
    int line;
    bool is_default;
  };
  const std::vector<row> rows{
      {setting::num_retries, {}, "spec.attempts.max", 99, true},
      {setting::num_retries, written({"spec.attempts.max"}), "spec.attempts.max", 1, false},
      {setting::num_retries, written({"spec.attempts.max", "spec.retry", "spec.retry.numRetries"}),
       "spec.retry.numRetries", 3, false},
      // The block without the field: its own default counts, not the other policy's value.
      {setting::num_retries, written({"spec.attempts.max", "spec.retry"}), "spec.retry.numRetries",
       2, true},
      {setting::per_try_timeout, written({"timeouts.backendRequest", "spec.retry"}),
       "timeouts.backendRequest", 1, false},
      // Ejection is completed field by field.
      {setting::consecutive_5xx,
       written({"spec.healthCheck.passive", "spec.ejection.consecutive5XxErrors"}),
       "spec.ejection.consecutive5XxErrors", 2, false},
      {setting::request_timeout, written({"spec.timeout.http.requestTimeout", "timeouts.request"}),
       "timeouts.request", 2, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.field, row.line);
    const auto from = origin_of(row.what, row.written, {"route.yaml", 99, 1});
    CHECK(from.field == row.field);
    CHECK(from.at.line == row.line);
    CHECK(from.is_default == row.is_default);
    CHECK(from.object == (row.line == 99 ? "" : "Policy default/p"));
  }
}

TEST_CASE("every setting has a name of its own and a field") {
  std::set<std::string_view> names;
  for (const auto s : all_settings()) {
    CAPTURE(name(s));
    CHECK(names.insert(name(s)).second);
    CHECK_FALSE(origin_of(s, {}, {}).field.empty());
  }
  CHECK(names.size() == setting_count - 1);
}

}  // namespace understudy::plan
