#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

constexpr std::string_view from_environment = "substitution.aigw.run/env/";
constexpr std::string_view from_file = "substitution.aigw.run/file/";

void read_values(object_reader& root, std::map<std::string, std::string>& out) {
  std::map<std::string, located<std::string>> encoded, plain;
  root.text_map("data", encoded);
  root.text_map("stringData", plain);
  for (const auto& [key, text] : encoded) {
    const auto decoded = decode_base64(text.value);
    if (decoded)
      out[key] = *decoded;
    else
      root.error(text.at, "data." + key,
                 "is no base64; encode it, or write it plain under `stringData`");
  }
  for (const auto& [key, text] : plain) out[key] = text.value;
}

/// Annotations replace the value of a key that exists; the environment is asked before the file.
void apply_annotations(object_reader& root, secret& out, kind_context& context) {
  for (const auto& annotation : out.header.annotations) {
    const auto& name = annotation.first;
    const auto& text = annotation.second;
    const bool is_environment = name.starts_with(from_environment);
    if (!is_environment && !name.starts_with(from_file)) continue;
    const auto key = name.substr(is_environment ? from_environment.size() : from_file.size());
    const auto warn = [&](std::string message) {
      root.shared().tell(severity::warning, text.at, "metadata.annotations", std::move(message));
    };
    const auto entry = out.values.find(key);
    if (entry == out.values.end()) {
      warn("names key `" + key + "`, which the Secret does not have; add it to `stringData`");
      continue;
    }
    if (!is_environment && out.header.annotations.contains(std::string{from_environment} + key) &&
        context.environment)
      if (const auto wins = context.environment(
              out.header.annotations.at(std::string{from_environment} + key).value);
          wins && !wins->empty())
        continue;
    auto found = is_environment ? (context.environment ? context.environment(text.value)
                                                       : std::optional<std::string>{})
                                : context.file(text.value);
    if (!found || found->empty())
      warn(is_environment
               ? "environment variable `" + text.value + "` is not set; the written value is kept"
               : "file `" + text.value + "` can't be read; the written value is kept");
    else
      entry->second = std::move(*found);
  }
}

}  // namespace

object_header& read_secret(object_reader& root, object_header header, kind_context& context) {
  auto& out = context.out.secrets.emplace_back();
  out.header = std::move(header);
  root.harmless({"type", "immutable"});
  read_values(root, out.values);
  apply_annotations(root, out, context);
  return out.header;
}

object_header& read_config_map(object_reader& root, object_header header, kind_context& context) {
  auto& out = context.out.config_maps.emplace_back();
  out.header = std::move(header);
  std::map<std::string, located<std::string>> plain;
  root.harmless({"binaryData", "immutable"});
  root.text_map("data", plain);
  for (const auto& [key, text] : plain) out.values[key] = text.value;
  return out.header;
}

}  // namespace understudy::config
