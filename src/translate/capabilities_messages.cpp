#include "translate/capabilities_messages.hpp"

namespace understudy::translate {
namespace {

/// Neither a chat nor Converse has these.
std::optional<std::string> lost_everywhere(const request_features& f) {
  if (f.non_function_tools) return "tools that are no functions";
  if (f.server_state) return "containers";
  if (f.other_parts) return "content blocks of an unknown type";
  if (f.remote_files) return "document URLs";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> lost_of_messages(const request_features& f, schema upstream) {
  switch (upstream) {
    case schema::aws_bedrock:
      if (f.remote_images) return "image URLs";
      return lost_everywhere(f);
    case schema::openai:
    case schema::azure_openai:
    case schema::aws_openai:
      return lost_everywhere(f);
    case schema::gcp_vertex_ai:
      if (auto lost = lost_everywhere(f)) return lost;
      // By way of a chat.
      return would_drop(f, operation::chat_completions, upstream);
    default:
      return std::nullopt;
  }
}

}  // namespace understudy::translate
