#pragma once
#include <string>
#include <string_view>

#include <understudy/trace/settings.hpp>
#include <understudy/trace/span.hpp>

namespace understudy::trace {

inline constexpr std::string_view scope_name = "understudy";

/// At most `max_bytes` of it, cut between characters.
std::string_view cut_text(std::string_view text, std::size_t max_bytes);

void append_protobuf_span(std::string& batch, const span& one, std::size_t max_value_bytes,
                          std::string& body, std::string& nested);
std::string protobuf_request(const settings& by, std::string_view batch);
std::uint64_t protobuf_rejected(std::string_view answer);

void append_json_span(std::string& out, const span& one, std::size_t max_value_bytes);
std::string json_request(const settings& by, std::string_view batch);
std::uint64_t json_rejected(std::string_view answer);

}  // namespace understudy::trace
