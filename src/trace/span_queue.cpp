#include <understudy/trace/span_queue.hpp>

#include <utility>

namespace understudy::trace {

void span_batch::append(const span_batch& more) {
  otlp += more.otlp;
  console += more.console;
  spans += more.spans;
}

void span_batch::clear() {
  otlp.clear();
  console.clear();
  spans = 0;
}

span_queue::span_queue(std::size_t max_spans, std::size_t enough)
    : max_spans_{max_spans}, enough_{enough} {}

void span_queue::push(span_batch&& batch) {
  if (batch.spans == 0) return;
  bool is_enough = false;
  {
    const std::lock_guard lock{mutex_};
    if (spans_ + batch.spans > max_spans_ || bytes_ + batch.bytes() > max_bytes) {
      dropped_full_ += batch.spans;
      return;
    }
    const bool was_enough = spans_ >= enough_;
    spans_ += batch.spans;
    bytes_ += batch.bytes();
    batches_.push_back(std::move(batch));
    is_enough = !was_enough && spans_ >= enough_;
  }
  if (is_enough && on_enough_) on_enough_();
}

span_batch span_queue::take(std::size_t max_spans) {
  const std::lock_guard lock{mutex_};
  span_batch taken;
  while (!batches_.empty()) {
    auto& next = batches_.front();
    if (taken.spans != 0 && taken.spans + next.spans > max_spans) break;
    spans_ -= next.spans;
    bytes_ -= next.bytes();
    if (taken.spans == 0)
      taken = std::move(next);
    else
      taken.append(next);
    batches_.pop_front();
  }
  return taken;
}

std::size_t span_queue::size() const {
  const std::lock_guard lock{mutex_};
  return spans_;
}

span_queue::counts span_queue::count() const {
  return {exported_, dropped_full_, dropped_failed_, failed_exports_};
}

}  // namespace understudy::trace
