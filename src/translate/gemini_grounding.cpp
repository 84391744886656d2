#include <algorithm>
#include <charconv>
#include <vector>

#include <understudy/codec/json_scan.hpp>

#include "translate/gemini_answer.hpp"
#include "translate/gemini_helper.hpp"
#include "translate/raw_json.hpp"

/// Sources of a searched answer: `groundingChunks` are the pages, `groundingSupports` say which
/// stretch of the text rests on which of them.
namespace understudy::translate {
namespace {

using codec::json_kind;

constexpr std::size_t max_pages = 256;
constexpr std::size_t max_citations = 256;
/// Bytes to look at for one answer's places: no long answer is worth more.
constexpr std::size_t max_work = std::size_t{256} << 20;

struct page {
  std::string_view url, title;  ///< with quotes
};

struct stretch {
  std::size_t begin = 0, end = 0;  ///< bytes
};

std::size_t offset_of(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  std::size_t out = 0;
  if (!found || found->kind != json_kind::number) return 0;
  std::from_chars(found->text.data(), found->text.data() + found->text.size(), out);
  return out;
}

std::vector<page> read_pages(std::string_view grounding) {
  std::vector<page> out;
  const auto chunks = raw_array_of(grounding, "groundingChunks");
  codec::json_reader reader{chunks.empty() ? "[]" : chunks};
  while (out.size() < max_pages && reader.next()) {
    const auto chunk = reader.value().text;
    auto source = raw_object_of(chunk, "web");
    if (source.empty()) source = raw_object_of(chunk, "retrievedContext");
    out.push_back({raw_string_of(source, "uri"), raw_string_of(source, "title")});
  }
  return out;
}

/// Where the answer is made of several parts, offsets may count from the start of one of them: the
/// words themselves tell.
stretch place_of(std::string_view segment, std::string_view text, std::size_t& work) {
  stretch out{offset_of(segment, "startIndex"), offset_of(segment, "endIndex")};
  const auto words = unquote(raw_string_of(segment, "text"));
  const bool is_inside = out.begin <= out.end && out.end <= text.size();
  if (words.empty()) return is_inside ? out : stretch{};
  if (is_inside && text.substr(out.begin, out.end - out.begin) == words) return out;
  work += text.size() * (1 + words.size() / 16);
  if (work > max_work) return {};
  const auto found = text.find(words);
  return found == std::string_view::npos ? stretch{} : stretch{found, found + words.size()};
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

class citation_list {
 public:
  citation_list(std::string& out, std::string_view text) : out_{out}, text_{text} {}

  bool is_full() const { return count_ == max_citations || work_ > max_work; }
  std::size_t& work() { return work_; }
  void add(const page& source, const stretch& at) {
    if (source.url.size() <= 2 || is_full()) return;
    work_ += at.begin + at.end;
    out_ += count_++ == 0 ? "[" : ",";
    out_ += R"({"type":"url_citation","url_citation":{"url":)";
    append_raw_text(out_, source.url);
    out_ += R"(,"title":)";
    append_raw_text(out_, source.title);
    out_ += R"(,"start_index":)" + std::to_string(characters(text_.substr(0, at.begin)));
    out_ += R"(,"end_index":)" + std::to_string(characters(text_.substr(0, at.end))) + "}}";
  }
  void close() {
    if (count_ != 0) out_ += "]";
  }

 private:
  std::string& out_;
  std::string_view text_;
  std::size_t count_ = 0;
  std::size_t work_ = 0;
};

}  // namespace

void append_gemini_annotations(std::string& out, std::string_view grounding,
                               std::string_view text) {
  const auto pages = read_pages(grounding);
  const auto supports = raw_array_of(grounding, "groundingSupports");
  citation_list citations{out, text};
  codec::json_reader reader{supports.empty() ? "[]" : supports};
  bool has_supports = false;
  while (!citations.is_full() && reader.next()) {
    has_supports = true;
    const auto support = reader.value().text;
    const auto at = place_of(raw_object_of(support, "segment"), text, citations.work());
    const auto indices = raw_array_of(support, "groundingChunkIndices");
    codec::json_reader each{indices.empty() ? "[]" : indices};
    while (each.next()) {
      const auto raw = each.value().text;
      std::size_t index = pages.size();
      std::from_chars(raw.data(), raw.data() + raw.size(), index);
      if (index < pages.size()) citations.add(pages[index], at);
    }
  }
  if (!has_supports)
    for (const auto& source : pages) citations.add(source, {});
  citations.close();
}

}  // namespace understudy::translate
