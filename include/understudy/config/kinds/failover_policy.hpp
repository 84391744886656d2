#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include <understudy/config/kinds/common.hpp>

namespace understudy::config {

/// FailoverPolicy of understudy.dev. Everything is optional; the defaults are `plan`'s to apply,
/// which must know what was written.
struct failover_policy {
  struct attempts_spec {
    located<std::uint32_t> per_priority{3}, max{8};
    located<milliseconds> timeout;  ///< 0: none
    located<milliseconds> backoff_base{milliseconds{250}}, backoff_max{milliseconds{5'000}};
  };
  struct retry_on_spec {
    std::optional<std::vector<located<int>>> codes;
    located<bool> connect_failure{true}, reset{true}, timeout{true}, in_band_errors{true};
  };
  struct fallback_on_spec {
    located<bool> context_window{true}, content_policy{false};
  };
  struct ejection_spec {
    located<bool> is_split{false}, always_one{false};
    located<milliseconds> interval{milliseconds{3'000}}, base_ejection{milliseconds{10'000}};
    located<std::uint32_t> consecutive_local_origin{5}, consecutive_gateway, consecutive_5xx{3};
    located<std::uint32_t> max_percent{100}, failure_percentage, trial_requests{1};
  };
  struct first_token_spec {
    located<milliseconds> timeout{milliseconds{12'000}};  ///< 0: none
    located<bool> is_hedged{true};                        ///< `action`
    located<bool> hold{true};
    located<milliseconds> keep_alive;  ///< 0: off
  };
  struct stream_spec {
    located<milliseconds> idle_timeout;  ///< 0: none
    located<std::string> on_break{"terminate"};
  };
  struct hedge_spec {
    located<milliseconds> after;            ///< as a duration …
    located<std::uint32_t> after_quantile;  ///< … or of the recent ones, `p95`
    located<std::uint32_t> max{1}, budget{10};
  };

  object_header header;
  std::vector<target_ref> targets;
  attempts_spec attempts;
  retry_on_spec retry_on;
  located<milliseconds> wait_up_to{milliseconds{3'000}};  ///< retryAfter
  fallback_on_spec fallback_on;
  ejection_spec ejection;
  first_token_spec first_token;
  stream_spec stream;
  hedge_spec hedge;
  located<std::uint32_t> budget_percent{20}, budget_minimum{3};
  located<bool> guard{true};
};

}  // namespace understudy::config
