#include "translate/message_writer.hpp"

#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "translate/raw_json.hpp"

namespace understudy::translate {

void message_writer::start(std::string_view id, std::string_view model, std::string& out) {
  if (has_started_) return;
  has_started_ = true;
  message_id_ = id;
  out +=
      "event: message_start\ndata: "
      R"({"type":"message_start","message":{"id":)";
  codec::append_json_string(out, id);
  out += R"(,"type":"message","role":"assistant","model":)";
  codec::append_json_string(out, model);
  out += R"(,"content":[],"stop_reason":null,"stop_sequence":null,)"
         R"("usage":{"input_tokens":0,"output_tokens":0}}})"
         "\n\n";
}

void message_writer::open(kind what, std::string_view block, std::string& out) {
  close(out);
  open_ = what;
  is_signed_ = false;
  out +=
      "event: content_block_start\ndata: "
      R"({"type":"content_block_start","index":)";
  out.append(std::to_string(index_)).append(R"(,"content_block":)").append(block);
  out += "}\n\n";
}

void message_writer::close(std::string& out) {
  if (open_ == kind::none) return;
  out +=
      "event: content_block_stop\ndata: "
      R"({"type":"content_block_stop","index":)";
  out.append(std::to_string(index_)) += "}\n\n";
  ++index_;
  open_ = kind::none;
}

void message_writer::emit_delta(std::string_view type, std::string_view name, std::string_view raw,
                                std::string& out) const {
  out +=
      "event: content_block_delta\ndata: "
      R"({"type":"content_block_delta","index":)";
  out.append(std::to_string(index_)).append(R"(,"delta":{"type":")").append(type);
  out.append(R"(",")").append(name).append(R"(":)");
  append_raw_text(out, raw);
  out += "}}\n\n";
}

void message_writer::emit(kind what, std::string_view raw, std::string& out) {
  constexpr std::string_view empty_thinking = R"({"type":"thinking","thinking":"","signature":""})";
  if (what == kind::text) {
    if (open_ != kind::text) open(kind::text, R"({"type":"text","text":""})", out);
    emit_delta("text_delta", "text", raw, out);
  } else if (what == kind::citation) {
    if (open_ != kind::text) open(kind::text, R"({"type":"text","text":""})", out);
    emit_delta("citations_delta", "citation", raw, out);
  } else if (what == kind::thinking) {
    if (open_ != kind::thinking || is_signed_) open(kind::thinking, empty_thinking, out);
    emit_delta("thinking_delta", "thinking", raw, out);
  } else if (what == kind::signature) {
    if (open_ != kind::thinking || is_signed_) open(kind::thinking, empty_thinking, out);
    emit_delta("signature_delta", "signature", raw, out);
    is_signed_ = true;
  } else if (what == kind::redacted) {
    std::string block = R"({"type":"redacted_thinking","data":)";
    append_raw_text(block, raw);
    open(kind::redacted, block += "}", out);
    close(out);
  }
}

void message_writer::hold(std::size_t bytes) {
  waiting_bytes_ += bytes;
  is_tangled_ = is_tangled_ || waiting_bytes_ > max_waiting_bytes;
}

void message_writer::add(kind what, std::string_view raw, std::string& out) {
  if (is_tangled_) return;
  if (is_call_live() && calls_[live_].is_over()) flush(false, out);
  if (!is_call_live() && waiting_.empty()) return emit(what, raw, out);
  hold(raw.size() + sizeof(waiting));
  waiting_.push_back({what, 0, std::string{raw}});
}

/// The newest of that key.
message_writer::call_state* message_writer::find_call(std::string_view key) {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(),
                                  [&](const call_state& c) { return c.key == key; });
  return found == calls_.rend() ? nullptr : &*found;
}

void message_writer::call(std::string_view key, std::string_view raw_id, std::string_view raw_name,
                          std::string& out) {
  if (is_tangled_) return;
  auto* found = find_call(key);
  const bool is_another = found != nullptr && !raw_id.empty() && !raw_name.empty() &&
                          !found->raw_id.empty() && !found->raw_name.empty() &&
                          found->raw_id != raw_id;
  if (found == nullptr || is_another) {
    if (calls_.size() == max_calls) {
      is_tangled_ = true;
      return;
    }
    calls_.emplace_back();
    calls_.back().key = key;
    hold(key.size() + sizeof(call_state));
    waiting_.push_back({kind::call, calls_.size() - 1, {}});
    found = &calls_.back();
  }
  if (found->raw_id.empty()) found->raw_id = raw_id;
  if (found->raw_name.empty()) found->raw_name = raw_name;
  flush(false, out);
}

void message_writer::arguments(std::string_view key, std::string_view raw, std::string& out) {
  if (is_tangled_ || raw.empty()) return;
  auto* found = find_call(key);
  if (found == nullptr) return;
  const auto index = static_cast<std::size_t>(found - calls_.data());
  take_arguments(*found, raw, out, is_call_live() && live_ == index);
  empty_buffer(piece_);
}

void message_writer::take_arguments(call_state& call, std::string_view raw, std::string& out,
                                    bool is_live) {
  const auto piece = codec::unescape_json(raw.substr(1, raw.size() - 2), piece_);
  if (!call.has_begun) {
    const auto text = base::trim(piece);
    if (text.empty() || text == "null") return;
    call.has_begun = true;
    call.is_bad = text.front() != '{';
  }
  call.is_bad = !call.digest.feed(piece) || call.is_bad;
  if (is_live) {
    emit_delta("input_json_delta", "partial_json", raw, out);
  } else {
    hold(raw.size() + sizeof(std::string));
    call.pieces.emplace_back(raw);
  }
}

void message_writer::open_call(std::size_t index, std::string& out) {
  auto& call = calls_[index];
  std::string block = R"({"type":"tool_use","id":)";
  if (call.raw_id.empty())
    codec::append_json_string(block, "toolu_" + message_id_ + "_" + std::to_string(index));
  else
    append_raw_text(block, call.raw_id);
  block += R"(,"name":)";
  append_raw_text(block, call.raw_name);
  open(kind::call, block += R"(,"input":{}})", out);
  live_ = index;
  for (const auto& piece : call.pieces) emit_delta("input_json_delta", "partial_json", piece, out);
  call.pieces.clear();
}

/// What waits goes out in its order, up to a call that may still get arguments.
void message_writer::flush(bool is_last, std::string& out) {
  std::size_t done = 0;
  for (; done < waiting_.size(); ++done) {
    if (is_call_live() && !is_last && !calls_[live_].is_over()) break;
    const auto& next = waiting_[done];
    if (next.what != kind::call) {
      emit(next.what, next.raw, out);
      continue;
    }
    const bool has_name = !calls_[next.call].raw_name.empty();
    if (!has_name && !is_last) break;
    if (has_name) open_call(next.call, out);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
  if (waiting_.empty()) waiting_bytes_ = 0;
}

void message_writer::end_block(std::string_view key, std::string& out) {
  if (auto* ended = find_call(key)) {
    ended->is_ended = true;
    flush(false, out);
  } else if (!is_call_live() && waiting_.empty()) {
    close(out);
  }
}

bool message_writer::finish(std::string_view stop_reason, std::string_view raw_stop_sequence,
                            bool is_cut, const std::string& usage, std::string& out) {
  if (is_tangled_) return false;
  for (const auto& call : calls_) {
    const bool is_whole = call.has_begun ? call.digest.is_whole() && !call.is_bad : true;
    if (!is_cut && (!is_whole || call.raw_name.empty())) return false;
  }
  flush(true, out);
  close(out);
  out +=
      "event: message_delta\ndata: "
      R"({"type":"message_delta","delta":{"stop_reason":)";
  codec::append_json_string(out, stop_reason);
  out += R"(,"stop_sequence":)";
  if (raw_stop_sequence.empty())
    out += "null";
  else
    append_raw_text(out, raw_stop_sequence);
  out.append(R"(},"usage":)").append(usage) += "}\n\n";
  out += "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  return true;
}

}  // namespace understudy::translate
