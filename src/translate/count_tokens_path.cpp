#include "translate/count_tokens_path.hpp"

#include <array>

#include <understudy/codec/text.hpp>

namespace understudy::translate {

std::string bedrock_count_path(std::string_view model) {
  constexpr std::array<std::string_view, 9> geographies{"us-gov.", "us.", "eu.", "apac.",  "uk.",
                                                        "au.",     "jp.", "ca.", "global."};
  if (const auto provider = model.find("anthropic."); provider != std::string_view::npos)
    model.remove_prefix(provider);
  for (const auto geography : geographies) {
    if (!model.starts_with(geography)) continue;
    const auto rest = model.substr(geography.size());
    // What would be left of such a name is a dot segment, or nothing: another path.
    if (!rest.empty() && rest.front() != '.') model = rest;
    break;
  }
  return "/model/" + codec::path_escape(model) + "/count-tokens";
}

std::string_view without_alias(std::string_view model) {
  for (const std::string_view alias : {"@default", "@latest"})
    if (model.ends_with(alias)) model.remove_suffix(alias.size());
  return model;
}

std::string bedrock_count_body(std::string_view invoke_body) {
  return R"({"input":{"invokeModel":{"body":")" + codec::base64_encode(invoke_body) + R"("}}})";
}

std::string_view bedrock_anthropic_version(std::string_view version) {
  return version.empty() ? "bedrock-2023-05-31" : version;
}

std::string_view vertex_anthropic_version(std::string_view version) {
  return version.empty() ? "vertex-2023-10-16" : version;
}

}  // namespace understudy::translate
