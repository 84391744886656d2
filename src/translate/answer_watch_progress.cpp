#include <utility>

#include "translate/watch_parts.hpp"

namespace understudy::translate {

void answer_progress::reset() { *this = {}; }

void answer_progress::on_content(std::uint64_t text_characters) {
  if (fault_) return;
  has_content_ = true;
  text_characters_ += text_characters;
  advance(answer_stage::content);
}

void answer_progress::on_finish(std::size_t index, std::string_view reason) {
  if (fault_) return;
  on_choice(index);
  finished_.set(index < max_choices ? index : max_choices - 1);
  has_finish_ = true;
  has_content_ = true;
  is_filtered_ = is_filtered_ || is_filter_reason(reason);
  if (reasons_) on_reason(index, reason);
  if (is_finished()) advance(answer_stage::finished);
}

void answer_progress::on_reason(std::size_t index, std::string_view reason) {
  constexpr std::size_t max_reasons = 16;
  constexpr std::size_t max_bytes = 64;
  if (!reasons_ || reason.empty() || index >= max_reasons) return;
  if (reasons_->size() <= index) reasons_->resize(index + 1);
  (*reasons_)[index] = reason.substr(0, max_bytes);
}

void answer_progress::on_end() {
  if (fault_) return;
  finished_ |= seen_;
  has_finish_ = true;
  has_content_ = true;
  advance(answer_stage::finished);
}

void answer_progress::on_fault(answer_fault fault) {
  if (fault_) return;
  fault_ = std::move(fault);
  advance(answer_stage::failed);
}

void answer_progress::on_unintelligible(std::string_view why) {
  answer_fault fault;
  fault.message = why;
  fault.is_unintelligible = true;
  on_fault(std::move(fault));
}

bool is_filter_reason(std::string_view reason) {
  for (const std::string_view name :
       {"content_filter", "content_filtered", "guardrail_intervened", "refusal", "SAFETY",
        "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"})
    if (reason == name) return true;
  return false;
}

}  // namespace understudy::translate
