#pragma once
#include <string_view>

#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::proxy {

/// What a rule is matched against. `model` stands for the header `x-ai-eg-model`; a client's own
/// `x-ai-eg-*` fields are never looked at (spec/gateway-config.md §2.2).
struct match_input {
  std::string_view host;  ///< as received, port allowed
  std::string_view method;
  std::string_view path;  ///< without query
  std::string_view query;
  std::string_view model;
  const codec::field_list* fields = nullptr;
};

struct match_result {
  const plan::route* route = nullptr;  ///< null: no rule of the listener matched
  const plan::rule* rule = nullptr;
  bool is_host_known = false;  ///< a virtual host stands for this Host
};

/// The first match in the listener's order. The most specific virtual host alone is asked.
match_result match(const plan::plan& plan, const plan::listener& listener,
                   const match_input& input);

/// `*.example.com` stands for one or more labels in front, as Gateway API says.
bool hostname_matches(std::string_view pattern, std::string_view host);
std::string_view without_port(std::string_view host);

}  // namespace understudy::proxy
