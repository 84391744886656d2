#include <understudy/translate/stream_resume.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "stream_support.hpp"

namespace understudy::translate {
namespace {

using namespace translate_test;
using enum operation;
using mode = stream_repeat::mode;
using strings = std::vector<std::string>;

std::string join(const strings& events, std::size_t first, std::size_t last) {
  std::string out;
  for (std::size_t i = first; i < last; ++i) out += events[i];
  return out;
}
std::string join(const strings& events) { return join(events, 0, events.size()); }

sent_text sent_of(operation op, std::string_view bytes) {
  sent_text sent{op};
  std::string out;
  sent.pass(bytes, out);
  REQUIRE(out == bytes);
  return sent;
}

struct outcome {
  bool is_whole = false;
  std::string out;
  std::string why;
};

outcome repeat(const sent_text& sent, std::string_view second, std::size_t piece = 0,
               mode m = mode::verify, std::size_t tail = 0) {
  stream_repeat again{sent, m, tail};
  outcome o;
  bool is_fine = true;
  while (is_fine && !second.empty()) {
    const auto size = std::min(piece == 0 ? second.size() : piece, second.size());
    is_fine = again.feed(second.substr(0, size), o.out);
    second.remove_prefix(size);
  }
  o.is_whole = is_fine && again.finish(o.out);
  o.why = again.why();
  return o;
}

/// Wherever the first answer breaks, and however the second is cut into tokens and reads, the
/// client gets one answer.
TEST_CASE("a second answer goes on where the first broke off", "[stream_resume]") {
  const strings first_pieces{"Once upon ", "a \xC3\xA9t\xC3\xA9 ", "time", " in \"Rome\"\n",
                             "fin."};
  const strings second_pieces{"Once", " upon a \xC3\xA9", "t\xC3\xA9 time in \"Ro", "me\"\nfin."};
  const auto op = GENERATE(chat_completions, completions, messages);
  const auto first = answer(op, "one", first_pieces);
  const auto second = join(answer(op, "second", second_pieces));
  for (std::size_t broken_at = 1; broken_at < first.size() - 1; ++broken_at) {
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
      CAPTURE(name(op), broken_at, piece);
      const auto begin = join(first, 0, broken_at);
      const auto o = repeat(sent_of(op, begin), second, piece);
      CHECK(o.why.empty());
      REQUIRE(o.is_whole);
      const auto seen = read_stream(begin + o.out);
      CHECK(seen.text == join(first_pieces));
      CHECK(seen.finishes == 1);
      CHECK(seen.ends == 1);
      CHECK(seen.openings == (op == completions ? 0 : 1));
      CHECK(seen.block_starts == (op == messages ? 1 : 0));
      CHECK(seen.block_stops == seen.block_starts);
      if (op != messages) CHECK(seen.ids.front() == "one/of-one");
      // The usage chunk of these streams has no model, and so none to replace.
      if (op == completions) CHECK(seen.ids.size() == 1);
    }
  }
}

TEST_CASE("a second answer is silent until it says something new", "[stream_resume]") {
  const auto sent = sent_of(chat_completions, join({chat_chunk("a", {{"content", "Hello wo"}})}));
  stream_repeat again{sent, mode::verify};
  std::string out;
  CHECK(again.feed(chat_chunk("later", {{"role", "assistant"}, {"content", ""}}), out));
  CHECK(again.feed(chat_chunk("later", {{"content", "Hello"}}), out));
  CHECK(out.empty());
  CHECK_FALSE(again.is_past_repetition());
  CHECK(again.feed(chat_chunk("later", {{"content", " world"}}), out));
  CHECK(again.is_past_repetition());
  CHECK(out == chat_chunk("a", {{"content", "rld"}}));
}

TEST_CASE("text and end in one chunk", "[stream_resume]") {
  const auto sent = sent_of(chat_completions, chat_chunk("a", {{"content", "Hello"}}));
  const auto longer = repeat(sent, chat_chunk("b", {{"content", "Hello!"}}, "stop"));
  CHECK(longer.is_whole);
  CHECK(longer.out == chat_chunk("a", {{"content", "!"}}, "stop"));
  const auto same = repeat(sent, chat_chunk("b", {{"content", "Hello"}}, "stop"));
  CHECK(same.is_whole);
  CHECK(same.out == chat_chunk("a", {{"content", ""}}, "stop"));
}

TEST_CASE("an answer that differs is not joined on", "[stream_resume]") {
  struct row {
    operation op;
    std::string first, second;
    const char* why;
  };
  const auto chat = [](const char* text) { return chat_chunk("x", {{"content", text}}); };
  const auto end = chat_chunk("x", nlohmann::json::object(), "stop") + "data: [DONE]\n\n";
  const auto start = typed({{"type", "message_start"}, {"message", nlohmann::json::object()}});
  const auto delta = typed({{"type", "message_delta"}, {"delta", {{"stop_reason", "x"}}}});
  const auto stop = typed({{"type", "message_stop"}});
  const char* differs = "the second answer's text differs";
  const char* shorter = "the second answer's text is shorter";
  const char* more = "the second answer holds more than plain text";
  const nlohmann::json call{{"tool_calls", {{{"index", 0}}}}};
  for (const auto& r : std::vector<row>{
           {chat_completions, chat("Hello"), chat("Help"), differs},
           {chat_completions, chat("Hello"), chat("x"), differs},
           {chat_completions, chat("Hello"), chat("Hell") + end, shorter},
           {chat_completions, chat("Hello"), chat("Hell") + "data: [DONE]\n\n", shorter},
           {chat_completions, chat("Hello"), chat("Hello") + "data: [DONE]\n\n",
            "the second answer has no reason for its end"},
           {chat_completions, chat("Hello"), chat("Hello you"),
            "the second answer has no end, either"},
           {chat_completions, chat("Hello"), "", "the second answer has no end, either"},
           {chat_completions, chat("Hello"), chat_chunk("x", call), more},
           {chat_completions, chat("Hello"), chat("Hello ") + chat_chunk("x", call), more},
           {chat_completions, chat("Hello"), chat_chunk("x", {{"refusal", "no"}}), more},
           {chat_completions, chat("Hello"),
            event({{"choices", {{{"index", 1}, {"delta", {{"content", "Hello"}}}}}}}), more},
           {chat_completions, chat("Hello"), event({{"error", {{"message", "m"}}}}),
            "the second answer broke off, too"},
           {chat_completions, chat("Hello"), "event: error\ndata: {}\n\n",
            "the second answer broke off, too"},
           {chat_completions, chat("Hello"), "data: {\"choices\":[\n\n",
            "an event that can't be read"},
           {chat_completions, chat("Hello"), "data: 7\n\n", "an event that can't be read"},
           {chat_completions, chat("Hello") + chat_chunk("x", nlohmann::json::object(), "stop"),
            chat("Hello!") + end, "the second answer's text is longer"},
           {chat_completions, chat_chunk("x", call), chat("a"),
            "more than plain text had been sent"},
           {chat_completions, event({{"error", {{"message", "m"}}}}), chat("a"),
            "more than plain text had been sent"},
           {chat_completions, "data: {]\n\n", chat("a"), "more than plain text had been sent"},
           {chat_completions, chat("Hello") + end, chat("Hello") + end,
            "the answer had come to its end"},
           {completions, text_chunk("x", "ab"), text_chunk("x", "ac"), differs},
           {messages, start + block_start(0) + block_delta(0, "ab"),
            start + block_start(0) + block_delta(0, "b"), differs},
           {messages, start + block_start(0) + block_delta(0, "ab"),
            start + block_start(0) + block_delta(0, "a") + block_stop(0), shorter},
           {messages, start + block_start(0) + block_delta(0, "ab"), start + delta + stop, shorter},
           {messages, start + block_start(0) + block_delta(0, "ab") + block_stop(0),
            start + block_start(0) + block_delta(0, "abc"), "the second answer's text is longer"},
           {messages, start + block_start(1) + block_delta(1, "ab"), start + block_start(0),
            "the second answer's blocks are others"},
           {messages, start + block_start(0), start + block_start(0, "tool_use"), more},
           {messages, start + block_start(0) + block_stop(0) + block_start(1), start,
            "more than plain text had been sent"},
           {messages, start + block_start(0, "thinking"), start,
            "the answer broke off in its reasoning"},
           {messages, start + block_start(0) + block_delta(0, "a"),
            start + block_start(0) + block_delta(0, "ab") + block_stop(0) + delta,
            "the second answer has no end, either"},
           {responses, "", "", "more than plain text had been sent"},
       }) {
    CAPTURE(name(r.op), r.first, r.second);
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}}) {
      const auto o = repeat(sent_of(r.op, r.first), r.second, piece);
      CHECK_FALSE(o.is_whole);
      CHECK(o.why == r.why);
      CHECK(o.out.find("[DONE]") == std::string::npos);
      CHECK(o.out.find("message_stop") == std::string::npos);
    }
  }
}

TEST_CASE("reasoning does not come twice", "[stream_resume]") {
  const nlohmann::json thought{{"reasoning_content", "hm"}};
  const auto sent =
      sent_of(chat_completions, chat_chunk("a", thought) + chat_chunk("a", {{"content", "Hel"}}));
  CHECK(sent.has_reasoning());
  CHECK(sent.is_plain_text());
  const auto o = repeat(sent, chat_chunk("b", thought) + chat_chunk("b", {{"content", "Hello"}}) +
                                  chat_chunk("b", nlohmann::json::object(), "stop"));
  CHECK(o.is_whole);
  CHECK(o.out ==
        chat_chunk("a", {{"content", "lo"}}) + chat_chunk("a", nlohmann::json::object(), "stop"));

  const auto start = typed({{"type", "message_start"}, {"message", nlohmann::json::object()}});
  const auto thinking = block_start(0, "thinking") +
                        typed({{"type", "content_block_delta"},
                               {"index", 0},
                               {"delta", {{"type", "thinking_delta"}, {"thinking", "hm"}}}}) +
                        block_stop(0);
  const auto claude = sent_of(messages, start + thinking + block_start(1) + block_delta(1, "Hel"));
  const auto rest = block_stop(1) +
                    typed({{"type", "message_delta"}, {"delta", {{"stop_reason", "end_turn"}}}}) +
                    typed({{"type", "message_stop"}});
  const auto again =
      repeat(claude, start + thinking + block_start(1) + block_delta(1, "Hello") + rest);
  CHECK(again.is_whole);
  CHECK(again.out == block_delta(1, "lo") + rest);
}

TEST_CASE("a continuation is joined on without its opening", "[stream_resume]") {
  struct row {
    const char* sent;
    std::size_t tail;
    std::vector<std::string> pieces;
    const char* whole;
  };
  for (const auto& r : std::vector<row>{
           {"Hello", 0, {" wor", "ld"}, "Hello world"},
           {"Hello ", 1, {" wor", "ld"}, "Hello world"},
           {"Hello \n", 2, {" ", "\nworld"}, "Hello \nworld"},
           {"Hello \n", 2, {"\n world"}, "Hello \n\n world"},
           {"Hello ", 1, {"world"}, "Hello world"},
           {"Hello ", 1, {}, "Hello "},
           {"Hello", 0, {}, "Hello"},
           {"Hello ", 1, {"  x"}, "Hello  x"},
       }) {
    for (const auto op : {chat_completions, messages}) {
      CAPTURE(name(op), r.sent, r.pieces);
      const auto first = answer(op, "a", {r.sent});
      const auto begin = join(first, 0, op == messages ? 4 : 2);
      const auto o =
          repeat(sent_of(op, begin), join(answer(op, "b", r.pieces)), 0, mode::proceed, r.tail);
      CHECK(o.why.empty());
      CHECK(o.is_whole);
      const auto seen = read_stream(begin + o.out);
      CHECK(seen.text == r.whole);
      CHECK(seen.openings == 1);
      CHECK(seen.finishes == 1);
      CHECK(seen.ends == 1);
    }
  }
  const auto over = sent_of(chat_completions, chat_chunk("a", {{"content", "x"}}, "stop"));
  CHECK(repeat(over, "", 0, mode::proceed).why == "the text had come to its end");
}

TEST_CASE("only whole events are sent", "[stream_resume]") {
  for (const std::string line_end : {"\n", "\r\n", "\r"}) {
    std::string stream;
    for (const auto* text : {"ab", "c"})
      stream += "data: " + nlohmann::json{{"choices", {{{"delta", {{"content", text}}}}}}}.dump() +
                line_end + ": comment" + line_end + line_end;
    const auto whole = stream.size();
    stream += "data: {\"choices\":[{\"delta\":{\"content\":\"lost";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, stream.size()}) {
      sent_text sent{chat_completions};
      std::string out;
      std::string_view left = stream;
      while (!left.empty()) {
        sent.pass(left.substr(0, piece), out);
        left.remove_prefix(std::min(piece, left.size()));
        CHECK(out == stream.substr(0, out.size()));
        const auto end = std::string_view{out}.substr(0, out.find_last_not_of("\r\n") + 1);
        CHECK(out.size() - end.size() >= (out.empty() ? 0 : 2 * line_end.size() - 1));
      }
      CAPTURE(line_end, piece, out);
      CHECK(out.size() <= whole);
      CHECK(out.size() + 1 >= whole);  // the second half of a pair may wait
      CHECK(sent.text() == "abc");
      CHECK(sent.is_plain_text());
    }
  }
}

TEST_CASE("what has been sent is known", "[stream_resume]") {
  sent_text sent{chat_completions};
  std::string out;
  sent.pass(chat_chunk("a", {{"content", "x"}}, "length"), out);
  CHECK(sent.has_finish());
  CHECK_FALSE(sent.is_complete());
  sent.pass("data: [DONE]\n", out);
  CHECK_FALSE(sent.is_complete());
  sent.finish(out);
  CHECK(sent.is_complete());
  CHECK(out.ends_with("data: [DONE]\n"));
}

TEST_CASE("too much text is not kept, and passes", "[stream_resume]") {
  sent_text sent{chat_completions, 10};
  std::string out;
  sent.pass(chat_chunk("a", {{"content", "0123456789"}}), out);
  CHECK_FALSE(sent.is_overflowing());
  const auto more = chat_chunk("a", {{"content", "x"}}) + "data: {\"half";
  sent.pass(more, out);
  CHECK(sent.is_overflowing());
  CHECK_FALSE(sent.is_plain_text());
  CHECK(sent.text().empty());
  sent.pass("...", out);
  CHECK(out == chat_chunk("a", {{"content", "0123456789"}}) + more + "...");

  sent_text endless{chat_completions};
  const std::string line(100'000, 'a');
  std::string passed;
  std::size_t fed = 0;
  for (; fed < 3'000'000; fed += line.size()) endless.pass(line, passed);
  CHECK(endless.is_overflowing());
  CHECK(passed.size() == fed);
}

TEST_CASE("the break event is an error to every SDK", "[stream_resume]") {
  for (const auto op : {chat_completions, completions, responses, messages}) {
    std::string out;
    append_break_event(op, "it \"broke\"", out);
    CAPTURE(name(op), out);
    CHECK(out.ends_with("\n\n"));
    const auto data = nlohmann::json::parse(out.substr(out.find("data: ") + 6));
    CHECK(data["error"]["message"] == "it \"broke\"");
    const bool is_named = op == responses || op == messages;
    CHECK(out.starts_with("event: error\n") == is_named);
    if (op == messages) continue;
    stream_repeat again{sent_text{chat_completions}, mode::verify};
    std::string ignored;
    CHECK_FALSE(again.feed(out, ignored));
  }
}

}  // namespace
}  // namespace understudy::translate
