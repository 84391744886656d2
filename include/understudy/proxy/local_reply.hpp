#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/resilience/attempt_planner.hpp>
#include <understudy/translate/translator.hpp>

/// Every answer that the proxy makes itself. Shapes: spec/interface.md "HTTP, client side".
namespace understudy::proxy {

struct local_reply {
  int status = 500;
  std::string body;
  std::string_view content_type = "application/json";
  std::vector<codec::owned_field> fields;
  bool closes = false;           ///< the connection ends after it
  std::string_view details;      ///< access-log word, a literal
  bool is_client_fault = false;  ///< origin `client`, else `proxy`
};

/// An error in the client's schema.
local_reply error_reply(translate::operation op, int status, std::string_view code,
                        std::string_view message, std::string_view details);

local_reply no_route_reply(translate::operation op, std::string_view path, std::string_view model);

/// GET /v1/models and /v1/models/ID, each in OpenAI's form and below /anthropic in Anthropic's,
/// scoped by Host (spec/gateway-config.md §2.7). Nothing for other paths. There is one page only:
/// what a query asks for is not looked at.
std::optional<local_reply> models_reply(const plan::plan& plan, std::string_view host,
                                        std::string_view path);

/// One attempt as the summary of a failed request tells it.
struct failed_attempt {
  std::string_view backend;
  std::string cause;  ///< `connection refused`, `status 500`, …
};

/// `all 2 backends of route default/r failed: a: connection refused (3 attempts); b: …`
/// `backends`: how many the rule has.
std::string failure_text(std::string_view route, std::size_t backends,
                         std::span<const failed_attempt> attempts);

/// All attempts are used up and no upstream response is at hand: failure_text(), or that there was
/// none.
local_reply failure_reply(translate::operation op, std::string_view route, std::size_t backends,
                          std::span<const failed_attempt> attempts, resilience::failure_class last,
                          resilience::stop_reason why);

std::string_view reason_phrase(int status);

}  // namespace understudy::proxy
