#include "translate/chat_request.hpp"

#include <algorithm>

#include "translate/dropped.hpp"

namespace understudy::translate {

base::result<const json*, std::string> token_limit(const json& request) {
  const bool is_new_name = member(request, "max_completion_tokens") != nullptr;
  const char* name = is_new_name ? "max_completion_tokens" : "max_tokens";
  const json* limit = member(request, name);
  if (limit != nullptr && !limit->is_number_integer())
    return std::string{"`"} + name + "` is not an integer";
  return limit != nullptr && *limit >= 1 ? limit : nullptr;
}

base::result<std::vector<json>, std::string> stop_texts(const json& request) {
  std::vector<json> out;
  const auto add = [&out](const json& text) {
    if (!text.is_string()) return false;
    if (!view_of(text).empty()) out.push_back(text);
    return true;
  };
  const json* stop = member(request, "stop");
  if (stop == nullptr) return out;
  const bool is_fine = stop->is_array() ? std::ranges::all_of(*stop, add) : add(*stop);
  if (!is_fine) return std::string{"`stop` is neither a string nor a list of strings"};
  return out;
}

base::result<std::vector<inexpressible>, std::string> only_of_openai(const json& request) {
  std::vector<inexpressible> out;
  if (const json* n = member(request, "n")) {
    if (!n->is_number_integer()) return std::string{"`n` is not an integer"};
    if (*n != 1) out.push_back({"n", "`n` other than 1 is not supported by this backend"});
  }
  const auto add = [&out](const std::string& name) {
    out.push_back({name, "`" + name + "` is not supported by this backend"});
  };
  for (const char* name : {"logprobs", "top_logprobs", "audio", "functions"})
    if (is_asked_for(request, name)) add(name);
  // An empty object asks for it, too.
  if (member(request, "web_search_options") != nullptr) add("web_search_options");
  const json* modalities = member(request, "modalities");
  if (modalities != nullptr && modalities->is_array() &&
      std::ranges::any_of(*modalities, [](const json& one) { return one != "text"; }))
    out.push_back({"modalities", "`modalities` other than text are not supported"});
  return out;
}

}  // namespace understudy::translate
