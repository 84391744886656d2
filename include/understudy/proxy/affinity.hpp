#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <understudy/base/random.hpp>
#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/resilience/choice_hint.hpp>

namespace understudy::proxy {

/// What ties a request to a host (spec/resilience.md §3.5), and what the answer says about it.
struct affinity {
  resilience::choice_hint hint;
  std::string new_cookie;  ///< value of a `set-cookie` for the hash cookie that was missing
};

/// Reads the inputs of ConsistentHash and of session persistence. `query` without its `?`.
affinity affinity_of(const plan::rule& rule, const codec::request_head& head,
                     std::string_view query, std::string_view client_address,
                     base::random_source& random);

/// The field that names the host to the client, where the client does not know it yet.
std::optional<codec::owned_field> session_field(const plan::rule& rule,
                                                const resilience::choice_hint& hint,
                                                std::uint64_t host_key);

}  // namespace understudy::proxy
