#include <understudy/translate/answer_watch.hpp>

#include <understudy/base/ascii.hpp>

#include "translate/watch_parts.hpp"

namespace understudy::translate {
namespace {

using wire = answer_watch::wire;

wire wire_of_chat(schema upstream) {
  switch (upstream) {
    case schema::openai:
    case schema::azure_openai:
    case schema::aws_openai:
      return wire::chat;
    case schema::aws_bedrock:
      return wire::converse;
    case schema::aws_anthropic:
      return wire::anthropic_frames;
    case schema::anthropic:
    case schema::gcp_anthropic:
      return wire::anthropic;
    case schema::gcp_vertex_ai:
      return wire::gemini;
    case schema::cohere:
      break;
  }
  return wire::none;
}

/// Semantics: spec/gateway-config.md §4.1.
wire wire_of(operation op, schema upstream) {
  const bool is_openai = upstream == schema::openai || upstream == schema::azure_openai ||
                         upstream == schema::aws_openai;
  switch (op) {
    case operation::chat_completions:
    case operation::messages:
      return wire_of_chat(upstream);
    case operation::completions:
      return is_openai ? wire::chat : wire::none;
    case operation::responses:
      return is_openai ? wire::responses : wire_of_chat(upstream);
    case operation::image_generations:
    case operation::image_edits:
    case operation::image_variations:
    case operation::audio_speech:
    case operation::audio_transcriptions:
    case operation::audio_translations:
      return wire::typed_events;
    case operation::embeddings:
    case operation::responses_input_tokens:
    case operation::moderations:
    case operation::rerank:
    case operation::generic_rerank:
    case operation::tokenize:
    case operation::count_tokens:
      return wire::unary;
    case operation::openai_other:
    case operation::anthropic_other:
    case operation::cohere_other:
    case operation::unknown:
      break;
  }
  return wire::none;
}

bool is_frame_wire(wire w) { return w == wire::converse || w == wire::anthropic_frames; }

bool has_events(wire w) { return w != wire::none && w != wire::unary && !is_frame_wire(w); }

bool is_compressed(const codec::response_head& head) {
  const auto coding = base::trim(head.fields.find("content-encoding").value_or(""));
  return !coding.empty() && !base::iequals(coding, "identity");
}

bool is_among(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

}  // namespace

bool answer_watch::can_watch(operation op, schema upstream) {
  const auto wire = wire_of(op, upstream);
  return wire != wire::none && wire != wire::typed_events;
}

void answer_watch::declare(const codec::response_head& head) {
  auto type = base::trim(head.fields.find("content-type").value_or(""));
  if (type == "application/json") {
    declared_ = declared::json;
    return;
  }
  type = base::trim(type.substr(0, type.find(';')));
  const auto ends_with = [type](std::string_view tail) {
    return type.size() >= tail.size() &&
           base::iequals(type.substr(type.size() - tail.size()), tail);
  };
  if (type.empty())
    declared_ = declared::nothing;
  else if (base::iequals(type, "text/event-stream"))
    declared_ = declared::sse;
  else if (base::iequals(type, codec::event_stream_content_type))
    declared_ = declared::frames;
  else if (ends_with("/json") || ends_with("+json"))
    declared_ = declared::json;
  else if (ends_with("/html") || ends_with("/xhtml+xml"))
    declared_ = declared::html;
  else if (ends_with("ndjson") || ends_with("jsonl") || ends_with("json-seq"))
    declared_ = declared::lines;
  else
    declared_ = declared::other;
}

void answer_watch::begin(operation op, schema upstream, bool expects_stream,
                         const codec::response_head& head) {
  progress_.reset();
  digest_.reset();
  decoder_.reset();
  if (pending_.capacity() > 4096) pending_ = {};
  pending_.clear();
  is_line_empty_ = true;
  is_after_cr_ = is_skipping_ = has_ended_ = false;
  expects_stream_ = expects_stream;
  wire_ = wire_of(op, upstream);
  form_ = form::undecided;
  declare(head);
  if (wire_ == wire::none || is_compressed(head) || declared_ == declared::lines) {
    stop_watching();
  } else if (wire_ == wire::typed_events && declared_ != declared::json) {
    // Audio, subtitles, text: whatever was asked for.
    if (declared_ == declared::html)
      progress_.on_unintelligible("an HTML page instead of an answer");
    else if (declared_ == declared::sse)
      form_ = form::sse;
    else
      stop_watching();
  } else if (is_frame_wire(wire_) && declared_ == declared::frames) {
    form_ = form::frames;
  }
  if (is_frame_wire(wire_)) decoder_.emplace(max_event_bytes);
}

void answer_watch::stop_watching() {
  form_ = form::unwatched;
  progress_.on_content();
  progress_.on_blind();
}

/// By the first byte that says something; what the head declares decides the rest.
void answer_watch::decide(std::string_view& bytes) {
  // White space and the bytes of a byte order mark mean nothing in front of any form.
  const auto first = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  bytes.remove_prefix(std::min(first, bytes.size()));
  if (bytes.empty()) return;
  const char c = bytes.front();
  const bool is_open = declared_ == declared::nothing || declared_ == declared::other;
  if (is_among(c, "{["))
    form_ = form::json;
  else if (c == '<')
    progress_.on_unintelligible("an HTML page instead of an answer");
  else if (is_frame_wire(wire_) && c == '\0' && is_open)
    form_ = form::frames;
  else if (has_events(wire_) &&
           (declared_ == declared::sse || (expects_stream_ && declared_ != declared::html &&
                                           declared_ != declared::frames && is_among(c, "deir:"))))
    form_ = form::sse;
  else
    progress_.on_unintelligible("the answer is not in the format of its provider");
}

void answer_watch::feed(std::string_view bytes) {
  if (progress_.has_fault()) return;
  if (form_ == form::undecided) decide(bytes);
  if (bytes.empty()) return;
  switch (form_) {
    case form::sse:
      return feed_sse(bytes);
    case form::frames:
      return feed_frames(bytes);
    case form::json:
      return feed_json(bytes);
    case form::undecided:
    case form::unwatched:
      break;
  }
}

void answer_watch::finish() {
  if (has_ended_) return;
  has_ended_ = true;
  if (progress_.has_fault()) return;
  switch (form_) {
    case form::sse:
    case form::frames:
      return finish_stream();
    case form::json:
      return finish_json();
    case form::undecided:
      return progress_.on_unintelligible("the answer is empty");
    case form::unwatched:
      return progress_.on_end();
  }
}

void answer_watch::feed_whole(std::string_view bytes) {
  const bool may_be_plain =
      form_ == form::undecided && !progress_.has_fault() && bytes.starts_with('{');
  if (may_be_plain && watch_plain_document(progress_, bytes)) {
    form_ = form::json;
    has_ended_ = true;
    if (progress_.keeps_finish_reasons()) read_reasons(bytes);
    return;
  }
  feed(bytes);
  finish();
}

bool answer_watch::is_whole() const {
  if (progress_.has_fault()) return false;
  return form_ == form::unwatched ? has_ended_ : progress_.is_finished();
}

bool answer_watch::is_between_events() const {
  switch (form_) {
    case form::undecided:
      return true;
    case form::sse:
      return pending_.empty() && !is_skipping_ && is_line_empty_;
    case form::frames:
      return decoder_ && decoder_->error().empty() && decoder_->is_between_messages();
    case form::json:
    case form::unwatched:
      break;
  }
  return false;
}

void answer_watch::feed_json(std::string_view bytes) {
  if (!digest_.feed(bytes)) return progress_.on_unintelligible("the answer is not JSON");
  if (digest_.size() > max_unary_bytes) progress_.on_content();
  if (progress_.keeps_finish_reasons() && digest_.size() <= max_unary_bytes) pending_.append(bytes);
}

void answer_watch::finish_json() {
  if (!digest_.is_whole()) return progress_.on_unintelligible("the answer is cut off");
  watch_document(progress_, digest_.text(), is_frame_wire(wire_));
  const bool is_kept = progress_.keeps_finish_reasons() && pending_.size() == digest_.size();
  if (is_kept) read_reasons(pending_);
}

void answer_watch::read_reasons(std::string_view document) {
  read_finish_reasons(progress_, document, wire_ == wire::responses);
}

void answer_watch::finish_stream() {
  if (form_ == form::sse && !pending_.empty() && !is_skipping_) {
    // Clients read a last event without its blank line, too.
    read_block(pending_);
    pending_.clear();
  }
  if (form_ == form::frames && !decoder_->is_between_messages())
    return progress_.on_unintelligible("the stream was cut off inside a frame");
  if (progress_.has_fault() || progress_.is_finished()) return;
  if (!progress_.has_content())
    progress_.on_unintelligible("the stream ended without an answer");
  else if (progress_.is_blind() || wire_ == wire::typed_events)
    progress_.on_end();
  else
    progress_.on_unintelligible("the stream ended before its answer did");
}

void answer_watch::feed_frames(std::string_view bytes) {
  codec::event_message message;
  while (!progress_.has_fault()) {
    const auto step = decoder_->next(bytes, message);
    if (step == codec::event_stream_decoder::step::need_more) return;
    if (step == codec::event_stream_decoder::step::failed) {
      // A frame that is only too large belongs to an answer that can no longer be followed.
      if (decoder_->error() == "event stream message too large") return stop_watching();
      return progress_.on_unintelligible(decoder_->error());
    }
    on_frame(message);
  }
}

void answer_watch::on_frame(const codec::event_message& message) {
  if (report_frame_error(progress_, message)) return;
  if (wire_ == wire::converse)
    watch_converse(progress_, message);
  else
    watch_anthropic_frame(progress_, message);
}

void answer_watch::on_event(std::string_view type, std::string_view data) {
  switch (wire_) {
    case wire::chat:
      return watch_chat(progress_, type, data);
    case wire::responses:
      return watch_responses(progress_, type, data);
    case wire::anthropic:
      return watch_anthropic(progress_, type, data);
    case wire::gemini:
      return watch_gemini(progress_, type, data);
    case wire::typed_events:
      return watch_typed(progress_, type, data);
    case wire::none:
    case wire::unary:
    case wire::converse:
    case wire::anthropic_frames:
      break;
  }
}

}  // namespace understudy::translate
