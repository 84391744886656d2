#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/json_cursor.hpp>

/// One candidate of a Gemini answer or of one of its chunks, read without a document, and written
/// as the members of OpenAI's message or delta.
///
/// Texts of one kind are joined. Thoughts become `reasoning_content`; a thought signature goes to
/// `extra_content.google.thought_signature` of the call it stands at (as on Google's own OpenAI
/// endpoint) or of the message, and to the `signature` of a thinking block. Images that a model
/// made go to `images`, as data: URIs.
namespace understudy::translate {

struct gemini_call {
  // as they stand in the answer, quotes and brackets included; empty where absent
  std::string_view id, name, args, signature;
};

struct gemini_image {
  std::string_view mime, data;  ///< with quotes
};

struct gemini_candidate {
  std::size_t index = 0;
  std::string text;            ///< the inside of a JSON string
  std::string thoughts;        ///< the same
  std::string_view signature;  ///< of a text, with quotes
  std::vector<gemini_call> calls;
  std::vector<gemini_image> images;
  std::string finish_reason;  ///< empty: has not come to its end
  std::string finish_message;
  std::string_view logprobs;   ///< `logprobsResult`
  std::string_view grounding;  ///< `groundingMetadata`

  /// Reads the value that the cursor stands on, and passes over it. `position` is its index where
  /// it names none. What was there before goes, but not its memory.
  void read(codec::json_cursor& at, std::size_t position);
  bool says_something() const {
    return !text.empty() || !thoughts.empty() || !signature.empty() || !calls.empty() ||
           !images.empty();
  }

 private:
  void clear_content();
  void read_content(codec::json_cursor& at);
  void read_part(codec::json_cursor& at);
};

/// `candidate` is well-formed JSON; its views live as long as that text.
gemini_candidate read_gemini_candidate(std::string_view candidate, std::size_t position);

/// What makes ids of calls that came without one: the same for the same answer.
struct gemini_call_ids {
  std::string prefix;  ///< `call_` and 16 digits

  explicit gemini_call_ids(std::string_view response_id);
  std::string id(std::size_t candidate, std::size_t call) const;
};

/// `{"role":"assistant","content":…}` with all that the candidate says. `extra` are more members,
/// each with a comma before it.
void append_gemini_message(std::string& out, const gemini_candidate& candidate,
                           const gemini_call_ids& ids, std::string_view extra);
/// Its content as a delta, the role where asked. Calls count from `first_call`.
void append_gemini_delta(std::string& out, const gemini_candidate& candidate,
                         const gemini_call_ids& ids, bool has_role, std::size_t first_call,
                         std::string_view extra);

/// OpenAI's `logprobs` object of a `logprobsResult`.
void append_gemini_logprobs(std::string& out, std::string_view result);

/// `[{"type":"url_citation",…}]` of a `groundingMetadata`, or nothing where it names no page. The
/// places are characters of `text`, the whole answer so far; Gemini's are bytes.
void append_gemini_annotations(std::string& out, std::string_view grounding, std::string_view text);

/// The JSON string that `raw`, the inside of a JSON string, holds as its text, or nothing.
std::string quoted_gemini_text(std::string_view raw);

}  // namespace understudy::translate
