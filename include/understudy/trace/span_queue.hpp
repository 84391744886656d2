#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace understudy::trace {

/// Encoded spans: appending one batch to another makes one of both.
struct span_batch {
  std::string otlp, console;
  std::size_t spans = 0;

  void append(const span_batch& more);
  std::size_t bytes() const { return otlp.size() + console.size(); }
  void clear();
};

/// Spans between the workers and the exporter. Never waits for anybody: what does not fit is
/// dropped and counted. Thread-safe; the mutex is held for the moving of a few strings.
class span_queue {
 public:
  static constexpr std::size_t max_bytes = std::size_t{32} << 20;

  /// `enough`: from so many spans on, `on_enough` is called, on the thread that pushes.
  span_queue(std::size_t max_spans, std::size_t enough);

  /// Set before the first push.
  void on_enough(std::function<void()> call) { on_enough_ = std::move(call); }
  void push(span_batch&& batch);
  /// About `max_spans` of the oldest; a worker's batch is never split. Empty: there are none.
  span_batch take(std::size_t max_spans);
  std::size_t size() const;

  struct counts {
    std::uint64_t exported = 0, dropped_full = 0, dropped_failed = 0, failed_exports = 0;
  };
  counts count() const;
  void add_exported(std::uint64_t spans) { exported_ += spans; }
  void add_failed(std::uint64_t spans) { dropped_failed_ += spans; }
  void add_failed_export() { ++failed_exports_; }

 private:
  const std::size_t max_spans_, enough_;
  std::function<void()> on_enough_;
  mutable std::mutex mutex_;  ///< around the next three
  std::deque<span_batch> batches_;
  std::size_t spans_ = 0, bytes_ = 0;
  std::atomic<std::uint64_t> exported_{0}, dropped_full_{0}, dropped_failed_{0}, failed_exports_{0};
};

}  // namespace understudy::trace
