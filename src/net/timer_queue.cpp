#include <understudy/net/timer_queue.hpp>

namespace understudy::net {

void timer_queue::arm(entry& e, time_point deadline) {
  e.wanted_ = deadline;
  e.wanted_sequence_ = next_sequence_++;
  if (e.index_ != entry::nowhere && e.key_ <= deadline) return;
  if (deadline == never) return;
  e.key_ = deadline;
  e.sequence_ = e.wanted_sequence_;
  if (e.index_ == entry::nowhere) {
    heap_.push_back(nullptr);
    place(heap_.size() - 1, &e);
  }
  sift_up(e.index_);
  if (e.index_ == 0 && driver_ != nullptr) driver_->wake_at(deadline);
}

void timer_queue::remove(entry& e) {
  if (e.index_ == entry::nowhere) return;
  const std::size_t hole = e.index_;
  e.index_ = entry::nowhere;
  entry* last = heap_.back();
  heap_.pop_back();
  if (last == &e) return;
  place(hole, last);
  sift_up(hole);
  sift_down(last->index_);
}

void timer_queue::run_due(time_point now) {
  while (!heap_.empty() && heap_.front()->key_ <= now) {
    entry& top = *heap_.front();
    if (top.wanted_ == never) {
      remove(top);
    } else if (top.wanted_ != top.key_) {
      top.key_ = top.wanted_;
      top.sequence_ = top.wanted_sequence_;
      sift_down(0);
    } else {
      remove(top);
      top.wanted_ = never;
      top.on_due_(top);
    }
  }
  if (!heap_.empty() && driver_ != nullptr) driver_->wake_at(heap_.front()->key_);
}

void timer_queue::place(std::size_t index, entry* e) {
  heap_[index] = e;
  e->index_ = index;
}

void timer_queue::sift_up(std::size_t index) {
  entry* e = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!is_before(*e, *heap_[parent])) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, e);
}

void timer_queue::sift_down(std::size_t index) {
  entry* e = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && is_before(*heap_[child + 1], *heap_[child])) ++child;
    if (!is_before(*heap_[child], *e)) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, e);
}

}  // namespace understudy::net
