#pragma once
#include <string>
#include <vector>

#include <understudy/base/result.hpp>

#include "translate/json.hpp"

/// What every writer of an upstream request reads of a chat's in the same way. An error is why the
/// request is malformed.
namespace understudy::translate {

/// `max_completion_tokens` or, without it, `max_tokens`. Null where nothing of at least 1 is said:
/// OpenAI's own models take 0 for "no limit of mine", the other vendors refuse it.
base::result<const json*, std::string> token_limit(const json& request);

/// The texts of `stop`, one or a list of them; without empty ones, which stop nothing.
base::result<std::vector<json>, std::string> stop_texts(const json& request);

struct inexpressible {
  std::string name, message;
};

/// What OpenAI has and neither Claude nor Converse has a word for.
base::result<std::vector<inexpressible>, std::string> only_of_openai(const json& request);

}  // namespace understudy::translate
