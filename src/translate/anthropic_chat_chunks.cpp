#include "translate/anthropic_chat_stream.hpp"
#include "translate/converse_helper.hpp"
#include "translate/raw_json.hpp"

/// The chunks that anthropic_chat_stream writes.
namespace understudy::translate {
namespace {

bool is_empty_string(std::string_view raw) { return raw.size() <= 2; }

}  // namespace

/// The first chunk, with the role. Once.
void anthropic_chat_stream::open(std::string_view message, std::string& out) {
  if (!opening_.empty()) return;
  if (auto id = string_member(message, "id"); !id.empty()) id_ = std::move(id);
  if (auto model = string_member(message, "model"); !model.empty()) model_ = std::move(model);
  opening_ = R"(data: {"id":)";
  codec::append_json_string(opening_, id_);
  opening_ += R"(,"object":"chat.completion.chunk","created":)";
  opening_ += std::to_string(created_);
  opening_ += R"(,"model":)";
  codec::append_json_string(opening_, model_);
  opening_ += R"(,"choices":)";
  begin_delta(out);
  out += R"({"role":"assistant","content":""})";
  end_delta(out);
}

void anthropic_chat_stream::begin_delta(std::string& out) const {
  out += opening_;
  out += R"([{"index":0,"delta":)";
}

void anthropic_chat_stream::end_delta(std::string& out, std::string_view finish_reason) const {
  out += R"(,"finish_reason":)";
  if (finish_reason.empty())
    out += "null";
  else
    codec::append_json_string(out, finish_reason);
  out += "}]";
  if (has_usage_chunk_) out += R"(,"usage":null)";
  out += "}\n\n";
}

void anthropic_chat_stream::emit(std::string_view opening, std::string_view raw,
                                 std::string_view closing, std::string& out) const {
  if (is_empty_string(raw)) return;
  begin_delta(out);
  out += opening;
  append_raw_text(out, raw);
  out += closing;
  end_delta(out);
}

void anthropic_chat_stream::emit_text(std::string_view raw, std::string& out) {
  if (is_empty_string(raw)) return;
  text_characters_ += code_points(raw.substr(1, raw.size() - 2), true);
  emit(R"({"content":)", raw, "}", out);
}

void anthropic_chat_stream::emit_arguments(tool_call& call, std::string_view raw,
                                           std::string& out) {
  if (is_empty_string(raw)) return;
  call.has_arguments = true;
  begin_delta(out);
  out += R"({"tool_calls":[{"index":)";
  out += std::to_string(&call - calls_.data());
  out += R"(,"function":{"arguments":)";
  append_raw_text(out, raw);
  out += "}}]}";
  end_delta(out);
}

/// Kept until the block's end: a citation may come before the text that it stands for.
void anthropic_chat_stream::keep_citation(std::string_view citation) {
  constexpr std::size_t max_bytes = std::size_t{64} << 10;
  const auto url = raw_string_of(citation, "url");
  const auto title = raw_string_of(citation, "title");
  // Those of the client's own documents have no counterpart.
  if (is_empty_string(url) || citations_.size() + url.size() + title.size() > max_bytes) return;
  citations_ += citations_.empty() ? "" : ",";
  citations_ += R"({"type":"url_citation","url_citation":{"url":)";
  append_raw_text(citations_, url);
  citations_ += R"(,"title":)";
  append_raw_text(citations_, title.empty() ? R"("")" : title);
  citations_ += R"(,"start_index":)" + std::to_string(block_begin_);
  citations_ += R"(,"end_index":)";
  citation_ends_.push_back(citations_.size());
  citations_ += "}}";
}

void anthropic_chat_stream::emit_citations(std::string& out) {
  if (citations_.empty()) return;
  begin_delta(out);
  out += R"({"annotations":[)";
  std::size_t done = 0;
  for (const auto end : citation_ends_) {
    out.append(citations_, done, end - done);
    out += std::to_string(text_characters_);
    done = end;
  }
  out.append(citations_, done);
  out += "]}";
  end_delta(out);
  citations_.clear();
  citation_ends_.clear();
}

void anthropic_chat_stream::emit_usage(std::string& out) const {
  const auto usage = usage_.total();
  if (!has_usage_chunk_ || !usage.total) return;
  out += opening_;
  out += R"([],"usage":)";
  append_usage(out, usage);
  if (!usage_.service_tier().empty()) {
    out += R"(,"service_tier":)";
    codec::append_json_string(out, usage_.service_tier());
  }
  out += "}\n\n";
}

}  // namespace understudy::translate
