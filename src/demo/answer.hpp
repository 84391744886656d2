#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/http.hpp>

namespace understudy::demo {

/// A request as the simulated providers see it: whole.
struct question {
  std::string method;
  std::string target;
  std::vector<codec::owned_field> fields;
  std::string body;

  /// The first field of that name, or empty.
  std::string_view field(std::string_view name) const {
    for (const auto& f : fields)
      if (base::iequals(f.name, name)) return f.value;
    return {};
  }
};

/// What a provider answers. A streamed one leaves piece by piece, chunked, at the server's pace.
struct answer {
  int status = 200;
  std::vector<codec::owned_field> fields;
  std::vector<std::string> pieces;
  bool is_stream = false;
};

/// OpenAI chat completions, unary and as server-sent events. Any path that is no chat: 404.
answer answer_openai(const question& asked, std::string_view who);
/// OpenAI's error object.
answer openai_error(int status, std::string_view type, std::string_view message);
/// Bedrock Converse and ConverseStream; 403 where the signature is missing or malformed.
answer answer_bedrock(const question& asked, std::string_view who);

}  // namespace understudy::demo
