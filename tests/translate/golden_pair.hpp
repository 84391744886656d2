#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "golden.hpp"

/// Runs the golden cases of one operation × schema pair: the request, then the answer or the
/// stream, fed whole, byte by byte and at random cuts. UNDERSTUDY_UPDATE_GOLDEN=1 rewrites what is
/// expected.
///
/// Beside what golden.hpp lists, a case may have `upstream.sse` (bytes as they come) and in
/// case.json `prefix`, `version`, `may_drop`, `dropped` (list of names), `client_headers`, `set`
/// (fields that the upstream request must have), `usage` ({input, output, …}, compared where
/// given).
namespace understudy::translate_test {

struct golden_pair {
  translate::operation op;
  translate::schema target;
  std::string_view folder;                             ///< under tests/golden
  std::string_view client_path;                        ///< `/v1/chat/completions`
  std::string_view version;                            ///< of the backend, where a case names none
  std::string_view stream_type = "text/event-stream";  ///< of the upstream, where a case names none
  /// How `upstream.sse` goes over the wire, where not as it is (frames of AWS).
  std::function<std::string(const std::string&)> encode_sse{};
  translate::operation_set served{};  ///< by the backend
};

/// The events as Bedrock sends those of Claude: each in a frame.
std::string claude_frames(const std::string& sse);

void check_golden_pair(const golden_pair& pair, std::size_t at_least);

}  // namespace understudy::translate_test
