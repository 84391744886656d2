#include <understudy/credentials/aws_chain.hpp>
#include <understudy/credentials/store.hpp>

#include "catch.hpp"
#include "credentials/clock.hpp"
#include "credentials/fake_host.hpp"
#include "credentials/fake_service.hpp"

using namespace understudy;
using namespace understudy::credentials;
using tests::fake_host;
using tests::fake_service;
using tests::start;
using namespace std::chrono_literals;

namespace {

constexpr const char* long_lived = R"({"AccessKeyId":"C","SecretAccessKey":"cs","Token":"ct",
                                       "Expiration":"2099-01-01T00:00:00Z"})";
const plan::aws_credential standard{"us-east-1", "", "default"};

plan::plan plan_with(std::vector<plan::credential> credentials) {
  plan::plan p;
  auto& rule = p.routes.emplace_back().rules.emplace_back();
  for (auto& c : credentials) rule.backends.emplace_back().auth = std::move(c);
  return p;
}

struct fixture {
  boost::asio::io_context context{1};
  fake_host host;
  std::vector<std::string> told;
  store keys{context, host.access(), std::chrono::milliseconds{1}};

  fixture() {
    keys.on_change([this](bool is_failure, const std::string& message) {
      told.push_back((is_failure ? "failure: " : "") + message);
    });
  }

  /// Runs until the store has settled; false when it takes too long.
  bool settle() {
    bool is_settled = false;
    keys.wait_ready([&] { is_settled = true; });
    return run_until([&] { return is_settled; });
  }
  template <class Condition>
  bool run_until(Condition holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!holds() && std::chrono::steady_clock::now() < end)
      context.run_one_for(std::chrono::milliseconds{100});
    return holds();
  }
  std::string id(const plan::aws_credential& wanted) const {
    const auto found = keys.current(wanted, base::wall_now());
    return found == nullptr ? "" : std::get<aws_keys>(*found).access_key_id;
  }
};

}  // namespace

TEST_CASE("what needs no network is there at once") {
  fixture f;
  f.host.environment = {{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "es"}};
  const plan::aws_credential secret{
      "", "[default]\naws_access_key_id=SEC\naws_secret_access_key=ss\n", "default"};
  const plan::aws_credential broken{"", "[other]\n", "default"};
  f.keys.configure(plan_with({secret, standard, broken}));
  CHECK(f.keys.is_ready());
  CHECK(f.id(secret) == "SEC");
  CHECK(f.id(standard) == "ENV");
  CHECK(f.id({"eu-west-1", "", "default"}) == "ENV");
  CHECK(f.id(broken).empty());
  CHECK(f.keys.slot(broken)->failure() == "the Secret's credentials have no profile default");
  CHECK(f.keys.slot(plan::aws_credential{"", "[x]\n", "default"}) == nullptr);
  CHECK(f.told == std::vector<std::string>{
                      "AWS keys found in a Secret", "AWS keys found in the environment",
                      "failure: no AWS keys: the Secret's credentials have no profile default"});
}

TEST_CASE("a plan without AWS is ready at once") {
  fixture f;
  f.keys.configure({});
  bool is_ready = false;
  f.keys.wait_ready([&] { is_ready = true; });
  CHECK(is_ready);
}

TEST_CASE("keys of the container endpoint") {
  fixture f;
  std::string token;
  fake_service service{f.context, [&](const fake_service::request& r) {
                         token = std::string{r["authorization"]};
                         return fake_service::reply{200, long_lived};
                       }};
  f.host.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url() + "/creds?x=1"},
                        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"}};
  f.host.files = {{"/t", "secret-token\n"}};
  f.keys.configure(plan_with({standard}));
  CHECK_FALSE(f.keys.is_ready());
  CHECK(f.id(standard).empty());
  REQUIRE(f.settle());
  CHECK(f.id(standard) == "C");
  CHECK(token == "secret-token");
  CHECK(service.seen == std::vector<std::string>{"GET /creds?x=1"});
  CHECK(f.told == std::vector<std::string>{"AWS keys found in the container endpoint"});
}

TEST_CASE("keys of the instance metadata, version 2") {
  fixture f;
  fake_service service{f.context, [](const fake_service::request& r) -> fake_service::reply {
                         if (r.method_string() == "PUT" && r.target() == "/latest/api/token")
                           return {200, "tok"};
                         if (r["x-aws-ec2-metadata-token"] != "tok") return {401, ""};
                         if (r.target() == "/latest/meta-data/iam/security-credentials/")
                           return {200, "role-a"};
                         if (r.target() == "/latest/meta-data/iam/security-credentials/role-a")
                           return {200, long_lived};
                         return {404, ""};
                       }};
  f.host.environment = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url()}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.settle());
  CHECK(f.id(standard) == "C");
  CHECK(service.seen.size() == 3);
}

TEST_CASE("a failure says why, is tried again, and is over when it is over") {
  fixture f;
  base::simulated_time time{{}, start};
  int asked = 0;
  fake_service service{f.context, [&](const fake_service::request&) -> fake_service::reply {
                         if (++asked == 1) return {500, "secret details"};
                         return {200, long_lived};
                       }};
  f.host.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url()}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.settle());
  CHECK(f.id(standard).empty());
  CHECK(f.keys.slot(standard)->failure() == "container endpoint: answered with 500");
  time.advance_to(base::time_point{999ms});
  f.context.run_for(20ms);
  CHECK(asked == 1);
  time.advance_to(base::time_point{1s});
  REQUIRE(f.run_until([&] { return !f.id(standard).empty(); }));
  CHECK(f.keys.slot(standard)->failure().empty());
  CHECK(asked == 2);
}

TEST_CASE("old keys stay in use while a refresh fails, until they die") {
  fixture f;
  base::simulated_time time{{}, start};  // 2026-01-02T03:04:05
  int asked = 0;
  fake_service service{f.context, [&](const fake_service::request&) -> fake_service::reply {
                         if (++asked > 1) return {503, ""};
                         return {200, R"({"AccessKeyId":"OLD","SecretAccessKey":"s",
                                          "Expiration":"2026-01-02T03:24:05Z"})"};
                       }};
  f.host.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url()}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.settle());
  time.advance_to(base::time_point{899s});
  f.context.run_for(20ms);
  CHECK(asked == 1);
  time.advance_to(base::time_point{900s});
  REQUIRE(f.run_until([&] { return !f.keys.slot(standard)->failure().empty(); }));
  CHECK(asked == 2);
  CHECK(f.id(standard) == "OLD");
  time.advance_to(base::time_point{1'199s});
  CHECK(f.id(standard) == "OLD");
  time.advance_to(base::time_point{1'200s});
  CHECK(f.id(standard).empty());
  CHECK(f.told.size() == 2);
}

TEST_CASE("rewritten shared files are noticed") {
  fixture f;
  base::simulated_time time{{}, start};
  f.host.environment = {{"HOME", "/h"}};
  auto& file = f.host.files["/h/.aws/credentials"];
  file = "[default]\naws_access_key_id=ONE\naws_secret_access_key=s\n";
  f.keys.configure(plan_with({standard}));
  CHECK(f.id(standard) == "ONE");
  file = "[default]\naws_access_key_id=TWO\naws_secret_access_key=s\n";
  time.advance_to(base::time_point{5min});
  CHECK(f.run_until([&] { return f.id(standard) == "TWO"; }));
}

TEST_CASE("a silent service costs its timeout and no more") {
  fixture f;
  fake_service service{f.context, [](const fake_service::request&) {
                         return fake_service::reply{0, "", true};
                       }};
  f.host.environment = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url()}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.settle());
  CHECK(f.keys.slot(standard)->failure().ends_with("timed out"));
}

TEST_CASE("answers that are too large or not HTTP are failures") {
  fixture f;
  fake_service service{f.context, [](const fake_service::request&) {
                         return fake_service::reply{200, std::string(100'000, 'x')};
                       }};
  f.host.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url()}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.settle());
  CHECK(f.id(standard).empty());
  CHECK(f.keys.slot(standard)->failure().starts_with("container endpoint: the answer of"));
}

TEST_CASE("nobody listens") {
  fixture f;
  std::string url;
  { url = fake_service{f.context, {}}.url(); }
  f.host.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.settle());
  CHECK(f.keys.slot(standard)->failure().starts_with("container endpoint: connecting to"));
}

TEST_CASE("a new plan keeps what it shares and the last plan stays readable") {
  fixture f;
  const plan::aws_credential one{"", "[default]\naws_access_key_id=ONE\naws_secret_access_key=s\n",
                                 "default"};
  const plan::aws_credential two{"", "[default]\naws_access_key_id=TWO\naws_secret_access_key=s\n",
                                 "default"};
  f.keys.configure(plan_with({one, two}));
  const auto kept = f.keys.slot(two);
  f.keys.configure(plan_with({two}));
  CHECK(f.keys.slot(two) == kept);
  CHECK(f.id(one) == "ONE");
  f.keys.configure(plan_with({two}));
  CHECK(f.keys.slot(one) == nullptr);
  CHECK(f.id(two) == "TWO");
}

TEST_CASE("stopping in the middle of a look-up is clean") {
  fixture f;
  fake_service service{f.context, [](const fake_service::request&) {
                         return fake_service::reply{0, "", true};
                       }};
  f.host.environment = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url()}};
  f.keys.configure(plan_with({standard}));
  REQUIRE(f.run_until([&] { return !service.seen.empty(); }));
  f.keys.stop();
  CHECK(f.told.empty());
}

TEST_CASE("keys that have expired are no keys") {
  const base::wall_time now{std::chrono::seconds{1'000}};
  const aws_keys mortal{"A", "s", "", now};
  CHECK(mortal.is_alive(now - std::chrono::microseconds{1}));
  CHECK_FALSE(mortal.is_alive(now));
  CHECK(aws_keys{"A", "s", "", std::nullopt}.is_alive(now));
}
