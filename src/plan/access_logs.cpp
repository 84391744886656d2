#include "plan/routes.hpp"

namespace understudy::plan {
namespace {

/// A finding for a format string that can't be read.
void tell(compile_state& state, const config::envoy_proxy& from, const std::string& field,
          const config::located<std::string>& written, const log_format_failure& failure) {
  state.say.error(written.at, from.header, field,
                  "at character " + std::to_string(failure.offset + 1) + ": " + failure.message);
}

std::optional<log_format> compile_format(compile_state& state, const config::envoy_proxy& from,
                                         const std::string& field,
                                         const config::access_log_setting& written) {
  log_format out;
  if (!written.has_format) return out;  // understudy's own line
  if (written.type.value == "Text") {
    out.what = log_format::kind::pattern;
    auto pattern = parse_log_pattern(written.text.value, out);
    if (!pattern) {
      tell(state, from, field + ".text", written.text, pattern.error());
      return std::nullopt;
    }
    out.pattern = std::move(*pattern);
    return out;
  }
  out.what = log_format::kind::fields;
  bool is_sound = true;
  for (const auto& [name, value] : written.json) {
    auto pattern = parse_log_pattern(value.value, out);
    if (pattern)
      out.fields.emplace_back(name, std::move(*pattern));
    else
      tell(state, from, field + ".json." + name, value, pattern.error());
    is_sound = is_sound && pattern.has_value();
  }
  return is_sound ? std::optional{std::move(out)} : std::nullopt;
}

}  // namespace

void compile_access_logs(compile_state& state) {
  const config::envoy_proxy* chosen = nullptr;
  for (const auto& proxy : state.in.envoy_proxies) {
    if (!proxy.has_access_log) continue;
    if (chosen != nullptr) {
      state.say.warning(proxy.header.at, proxy.header, "spec.telemetry.accessLog",
                        "only one EnvoyProxy's access log acts, here that of " +
                            chosen->header.id() + "; remove one of the two");
      continue;
    }
    chosen = &proxy;
  }
  if (chosen == nullptr) return;
  auto& out = state.out.access_logs.emplace();
  if (chosen->is_disabled.value) return;
  if (chosen->access_logs.empty()) {  // written, and nothing about it: the default
    state.out.access_logs.reset();
    return;
  }
  for (std::size_t i = 0; i < chosen->access_logs.size(); ++i) {
    const auto& written = chosen->access_logs[i];
    const auto format = compile_format(
        state, *chosen, "spec.telemetry.accessLog.settings[" + std::to_string(i) + "].format",
        written);
    if (!format) continue;
    for (const auto& file : written.files)
      if (file.is_written) out.push_back({file.value, *format});
  }
}

}  // namespace understudy::plan
