#include <algorithm>
#include <vector>

#include <understudy/base/ascii.hpp>

#include "plan/backends.hpp"

/// `understudy.dev/operations` of an AIServiceBackend: a server that speaks OpenAI's API need not
/// have all of it. An annotation, so that other gateways read the same file.
namespace understudy::plan {
namespace {

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> out;
  for (int op = 0; op < static_cast<int>(translate::operation::unknown); ++op)
    out.push_back(translate::name(static_cast<translate::operation>(op)));
  return out;
}

}  // namespace

translate::operation_set compile_operations(compile_state& state,
                                            const config::object_header& service) {
  const auto written = service.annotations.find("understudy.dev/operations");
  if (written == service.annotations.end()) return {};
  const auto tell = [&](std::string message) {
    state.say.error(written->second.at, service, "metadata.annotations", std::move(message));
  };
  auto out = translate::operation_set::none();
  std::string_view rest = written->second.value;
  while (!rest.empty()) {
    const auto word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    const auto name = base::trim(word);
    if (name.empty()) continue;
    if (const auto op = translate::operation_named(name))
      out.insert(*op);
    else
      tell("`understudy.dev/operations` names no operation `" + std::string{name} + "`; " +
           remedy(name, known_names(), "write names as in `chat_completions, embeddings`"));
  }
  if (out == translate::operation_set::none())
    tell(
        "`understudy.dev/operations` names no operation; leave it out, or write names as in "
        "`chat_completions, embeddings`");
  return out;
}

}  // namespace understudy::plan
