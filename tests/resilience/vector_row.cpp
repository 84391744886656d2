#include "vector_row.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

namespace understudy::resilience::test {
namespace {

milliseconds read_ms(const YAML::Node& seconds_node) {
  return milliseconds{std::llround(seconds_node.as<double>() * 1000)};
}

const std::map<std::string, trigger>& triggers_by_name() {
  static const std::map<std::string, trigger> table = {
      {"5xx", trigger::five_xx},
      {"gateway-error", trigger::gateway_error},
      {"reset", trigger::reset},
      {"reset-before-request", trigger::reset_before_request},
      {"connect-failure", trigger::connect_failure},
      {"retriable-4xx", trigger::retriable_4xx},
      {"refused-stream", trigger::refused_stream},
      {"retriable-status-codes", trigger::retriable_status_codes},
      {"cancelled", trigger::cancelled},
      {"deadline-exceeded", trigger::deadline_exceeded},
      {"internal", trigger::internal},
      {"resource-exhausted", trigger::resource_exhausted},
      {"unavailable", trigger::unavailable},
      {"per-try-timeout", trigger::per_try_timeout},
      {"connection-closed", trigger::connection_closed}};
  return table;
}

void read_retry(const YAML::Node& node, retry_params& p) {
  require_keys(node, {"numRetries", "numAttemptsPerPriority", "triggers", "codes", "base", "max",
                      "perTry", "perTryStream", "immediate", "avoidsSilent", "inBand",
                      "contextWindow", "contentPolicy", "deadlineAware", "retryAfter", "movesOn"});
  if (!p.is_present) p.num_retries = 2;
  p.is_present = true;
  if (node["numRetries"]) p.num_retries = node["numRetries"].as<std::uint32_t>();
  if (node["numAttemptsPerPriority"])
    p.num_attempts_per_priority = node["numAttemptsPerPriority"].as<std::uint32_t>();
  if (node["triggers"]) {
    p.triggers.reset();
    for (const auto& t : node["triggers"])
      p.triggers.set(static_cast<std::size_t>(triggers_by_name().at(t.as<std::string>())));
  }
  if (node["codes"]) {
    p.status_codes.reset();
    for (const auto& c : node["codes"]) p.status_codes.set(c.as<std::size_t>());
  }
  if (node["base"]) {
    p.backoff.base = read_ms(node["base"]);
    p.backoff.max = 10 * p.backoff.base;
  }
  if (node["max"]) p.backoff.max = read_ms(node["max"]);
  if (node["perTry"]) p.per_try_timeout = read_ms(node["perTry"]);
  if (node["perTryStream"]) p.per_try_timeout_stream = read_ms(node["perTryStream"]);
  p.is_immediate_on_next_priority = node["immediate"].as<bool>(false);
  p.avoids_timed_out_hosts = node["avoidsSilent"].as<bool>(false);
  p.retries_in_band_errors = node["inBand"].as<bool>(false);
  p.falls_back_on_context_window = node["contextWindow"].as<bool>(false);
  p.falls_back_on_content_policy = node["contentPolicy"].as<bool>(false);
  p.is_deadline_aware = node["deadlineAware"].as<bool>(false);
  p.moves_on_over_budget = node["movesOn"].as<bool>(false);
  if (node["retryAfter"]) p.max_retry_after_wait = read_ms(node["retryAfter"]);
}

void read_hedge(const YAML::Node& node, hedge_params& p) {
  require_keys(node, {"after", "quantile", "max", "budget", "firstToken", "fails"});
  if (node["after"]) p.after = read_ms(node["after"]);
  if (node["quantile"]) p.quantile = node["quantile"].as<std::uint32_t>();
  p.max = node["max"].as<std::uint32_t>(p.max);
  p.budget_percent = node["budget"].as<std::uint32_t>(p.budget_percent);
  if (node["firstToken"]) p.first_token = read_ms(node["firstToken"]);
  p.is_first_token_hedged = !node["fails"].as<bool>(false);
}

void read_passive(const YAML::Node& node, std::optional<ejection_params>& out) {
  if (node.IsNull()) {
    out.reset();
    return;
  }
  require_keys(node, {"base", "interval", "percent", "5xx", "gateway", "local", "failurePercentage",
                      "split", "alwaysOne", "trials"});
  if (!out) {
    out.emplace();
    out->trial_requests = 0;
  }
  auto& p = *out;
  if (node["base"]) p.base_ejection_time = read_ms(node["base"]);
  if (node["interval"]) p.interval = read_ms(node["interval"]);
  if (node["percent"]) p.max_ejection_percent = node["percent"].as<std::uint32_t>();
  if (node["5xx"]) p.consecutive_5xx = node["5xx"].as<std::uint32_t>();
  if (node["gateway"]) p.consecutive_gateway_errors = node["gateway"].as<std::uint32_t>();
  if (node["local"]) p.consecutive_local_origin_failures = node["local"].as<std::uint32_t>();
  if (node["failurePercentage"])
    p.failure_percentage_threshold = node["failurePercentage"].as<std::uint32_t>();
  if (node["split"]) p.is_split = node["split"].as<bool>();
  if (node["alwaysOne"]) p.always_ejects_one = node["alwaysOne"].as<bool>();
  if (node["trials"]) p.trial_requests = node["trials"].as<std::uint32_t>();
}

void read_breaker(const YAML::Node& node, breaker_params& p) {
  require_keys(node, {"maxParallelRequests", "maxParallelRetries", "budgetPercent", "budgetMin"});
  if (node["maxParallelRequests"])
    p.max_parallel_requests = node["maxParallelRequests"].as<std::uint32_t>();
  if (node["maxParallelRetries"])
    p.max_parallel_retries = node["maxParallelRetries"].as<std::uint32_t>();
  if (node["budgetPercent"])
    p.retry_budget = {node["budgetPercent"].as<std::uint32_t>(),
                      node["budgetMin"].as<std::uint32_t>()};
}

void read_checks(const YAML::Node& node, active_check_params& p) {
  require_keys(node, {"timeout", "interval", "jitter", "unhealthy", "healthy"});
  if (node["timeout"]) p.timeout = read_ms(node["timeout"]);
  if (node["interval"]) p.interval = read_ms(node["interval"]);
  if (node["jitter"]) p.initial_jitter = read_ms(node["jitter"]);
  if (node["unhealthy"]) p.unhealthy_threshold = node["unhealthy"].as<std::uint32_t>();
  if (node["healthy"]) p.healthy_threshold = node["healthy"].as<std::uint32_t>();
}

void read_utilization(const YAML::Node& node, utilization_params& p) {
  require_keys(node, {"blackout", "expiration", "update", "penalty"});
  if (node["blackout"]) p.blackout = read_ms(node["blackout"]);
  if (node["expiration"]) p.expiration = read_ms(node["expiration"]);
  if (node["update"]) p.update_period = read_ms(node["update"]);
  if (node["penalty"]) p.error_penalty = node["penalty"].as<double>();
}

balancing read_balancing(const std::string& name) {
  static const std::map<std::string, balancing> table = {
      {"LeastRequest", balancing::least_request},
      {"RoundRobin", balancing::round_robin},
      {"Random", balancing::random},
      {"ConsistentHash", balancing::consistent_hash},
      {"BackendUtilization", balancing::backend_utilization}};
  return table.at(name);
}

// `10`: one priority of F, h1 … h9. A list of lists: one locality and priority each. A list of
// maps: localities as written.
void read_hosts(const YAML::Node& node, row_setup& setup) {
  setup.params.localities.clear();
  if (node.IsScalar()) {
    setup.params.localities.push_back({0, 1});
    setup.hosts.push_back({"F"});
    for (int i = 1; i < node.as<int>(); ++i) setup.hosts[0].push_back("h" + std::to_string(i));
    return;
  }
  for (const auto& locality : node) {
    const auto index = static_cast<std::uint32_t>(setup.hosts.size());
    if (locality.IsMap()) {
      require_keys(locality, {"priority", "weight", "addresses"});
      setup.params.localities.push_back(
          {locality["priority"].as<std::uint32_t>(0), locality["weight"].as<std::uint32_t>(1)});
      setup.hosts.push_back(locality["addresses"].as<std::vector<std::string>>());
    } else {
      setup.params.localities.push_back({index, 1});
      setup.hosts.push_back(locality.as<std::vector<std::string>>());
    }
  }
}

const std::map<std::string, failure_class>& classes_by_name() {
  static const std::map<std::string, failure_class> table = {
      {"connect", failure_class::connect},
      {"connect-timeout", failure_class::connect_timeout},
      {"close", failure_class::closed},
      {"protocol", failure_class::protocol},
      {"per-try", failure_class::per_try},
      {"global", failure_class::global},
      {"overflow", failure_class::overflow},
      {"no-host", failure_class::no_host},
      {"in-band", failure_class::in_band},
      {"unprepared", failure_class::unprepared},
      {"shortage", failure_class::local_shortage}};
  return table;
}

}  // namespace

void require_keys(const YAML::Node& map, std::initializer_list<const char*> allowed) {
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>();
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
      throw std::runtime_error{"unknown key " + key + " at line " +
                               std::to_string(entry.first.Mark().line + 1)};
  }
}

row_setup read_setup(const YAML::Node& row) {
  row_setup setup;
  const YAML::Node config = row["config"];
  if (config) {
    require_keys(config, {"base", "retry", "hedge", "passive", "breaker", "balancing", "panic",
                          "checks", "slowStart", "utilization", "tableSize"});
    const auto base = config["base"].as<std::string>("none");
    if (base == "seed")
      setup.params = seed_params();
    else if (base != "none")
      throw std::runtime_error{"unknown base " + base};
    if (config["retry"]) read_retry(config["retry"], setup.params.retry);
    if (config["hedge"]) read_hedge(config["hedge"], setup.params.hedge);
    if (config["passive"].IsDefined()) read_passive(config["passive"], setup.params.ejection);
    if (config["breaker"]) read_breaker(config["breaker"], setup.params.breaker);
    if (config["balancing"])
      setup.params.load_balancer = read_balancing(config["balancing"].as<std::string>());
    if (config["checks"]) read_checks(config["checks"], setup.params.active_check.emplace());
    if (config["slowStart"]) setup.params.slow_start_window = read_ms(config["slowStart"]);
    if (config["utilization"]) read_utilization(config["utilization"], setup.params.utilization);
    if (config["tableSize"]) setup.params.hash_table_size = config["tableSize"].as<std::uint32_t>();
    if (config["panic"]) setup.params.panic_threshold = config["panic"].as<std::uint32_t>();
  }
  if (row["hosts"])
    read_hosts(row["hosts"], setup);
  else
    read_hosts(YAML::Load("[[F], [G]]"), setup);
  return setup;
}

request_limits read_limits(const YAML::Node& step) {
  request_limits limits;
  const YAML::Node node = step["limits"];
  limits.request_timeout = milliseconds{60'000};
  if (!node) return limits;
  require_keys(node, {"global", "stream", "replayable", "earlyData", "hash", "session", "reasoning",
                      "excluded", "headOnly"});
  limits.is_head_only = node["headOnly"].as<bool>(false);
  limits.is_reasoning = node["reasoning"].as<bool>(false);
  if (node["excluded"])
    for (const auto& locality : node["excluded"])
      limits.excluded_localities |= std::uint64_t{1} << locality.as<std::uint32_t>();
  if (node["hash"]) limits.hint.hash = node["hash"].as<std::uint64_t>();
  if (node["global"]) limits.request_timeout = read_ms(node["global"]);
  limits.is_stream = node["stream"].as<bool>(false);
  limits.is_replayable = node["replayable"].as<bool>(true);
  limits.is_early_data = node["earlyData"].as<bool>(false);
  return limits;
}

reply read_reply(const YAML::Node& node) {
  if (node.IsMap()) {
    require_keys(node, {"is", "takes", "sent", "ratelimited", "status", "contextWindow",
                        "contentPolicy", "retryAfter"});
    reply r = read_reply(node["is"]);
    r.takes = node["takes"].as<double>(0);
    if (node["sent"]) r.result.is_bytes_sent = node["sent"].as<bool>();
    r.result.is_envoy_ratelimited = node["ratelimited"].as<bool>(false);
    if (node["status"]) r.result.status = node["status"].as<int>();
    r.result.is_context_window = node["contextWindow"].as<bool>(false);
    r.result.is_content_policy = node["contentPolicy"].as<bool>(false);
    if (node["retryAfter"]) r.result.retry_after = read_ms(node["retryAfter"]);
    return r;
  }
  const auto text = node.as<std::string>();
  if (const auto found = classes_by_name().find(text); found != classes_by_name().end())
    return fails(found->second);
  return status(node.as<int>());
}

std::string class_name(const outcome& result) {
  if (result.what == failure_class::status) return std::to_string(result.status);
  for (const auto& [name, what] : classes_by_name())
    if (what == result.what) return name;
  return "?";
}

std::string step_name(next_step step) {
  static const std::array<const char*, 5> names = {"attempt", "wait", "accept", "give-up",
                                                   "await-other"};
  return names.at(static_cast<std::size_t>(step));
}

std::string reason_name(stop_reason why) {
  static const std::array<const char*, 8> names = {
      "none",    "not-retriable",   "exhausted", "retry-overflow",
      "no-host", "request-timeout", "overflow",  "no-capable-backend"};
  return names.at(static_cast<std::size_t>(why));
}

}  // namespace understudy::resilience::test
