#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/proxy/local_reply.hpp>

namespace understudy::proxy {

/// What understudy itself says on a response. Empty views are left out.
struct response_notes {
  std::string_view request_id;
  bool is_ai = false;
  std::uint32_t attempts = 0;
  std::string_view backend;
  std::string_view error_origin;   ///< on errors: upstream, proxy, client
  bool forbids_sdk_retry = false;  ///< `x-should-retry: false`: the attempts are used up
  std::string_view server_timing;
  std::span<const std::string> dropped;       ///< what of the request the backend was not told
  std::span<const codec::owned_field> extra;  ///< session and affinity
  bool hides_load_report = false;
};

/// How the body that follows is delimited for the client.
struct response_length {
  bool is_chunked = false;
  std::optional<std::uint64_t> content_length;  ///< neither: no body fields at all
};

/// The head of an upstream response on its way down: end-to-end fields of `head`, changed by
/// `set` (the translator's) and the rule's filters, then our own.
void append_downstream_head(std::string& to, const codec::response_head& head,
                            const std::vector<codec::owned_field>& set,
                            const plan::header_mutation* filters, const response_length& length,
                            const response_notes& notes, bool closes);

/// Head and body of a local reply. `is_head`: the request was HEAD, the body stays away.
void append_local_reply(std::string& to, const local_reply& reply, const response_notes& notes,
                        bool is_head, bool closes);

}  // namespace understudy::proxy
