#pragma once
#include <string_view>

/// The payload of a `contentBlockDelta`, read in one pass over its bytes and without a document.
namespace understudy::translate {

/// Values as they are written, quotes and brackets included; empty: absent, or of another kind.
struct converse_delta {
  std::string_view block;  ///< contentBlockIndex
  std::string_view text;
  std::string_view citation;
  bool has_tool = false;
  std::string_view tool_input;
  std::string_view reasoning_text, signature, redacted;

  /// False when `payload` is no well-formed JSON. One that is no object has no members.
  bool read(std::string_view payload);
};

}  // namespace understudy::translate
