#include <understudy/daemon/trace_exporter.hpp>

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <thread>

#include <understudy/base/clock.hpp>
#include <understudy/credentials/http_fetch.hpp>
#include <understudy/telemetry/fd_writer.hpp>
#include <understudy/telemetry/log.hpp>

#include "daemon/gzip.hpp"

namespace understudy::daemon {
namespace {

namespace asio = boost::asio;
namespace log = telemetry::log;
using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
using steady_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, executor>;
constexpr auto use_await = asio::as_tuple(asio::use_awaitable_t<executor>{});

constexpr std::chrono::seconds first_pause{1}, longest_pause{8};

/// The answers after which OTLP has a client try again.
bool is_temporary(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

struct trace_exporter::impl {
  impl(std::shared_ptr<const trace::settings> wanted, credentials::http_call to)
      : by{std::move(wanted)},
        collector{std::move(to)},
        queue{by->max_queue_spans, by->max_batch_spans} {
    collector.method = "POST";
    collector.fields.push_back(
        {"content-type", std::string{trace::otlp_content_type(by->protocol)}});
    for (const auto& f : by->headers) collector.fields.push_back(f);
    queue.on_enough([this] { asio::post(context, [this] { timer.cancel(); }); });
  }

  awaitable<void> run() {
    while (!is_finishing || queue.size() != 0) {
      if (!is_finishing && queue.size() < by->max_batch_spans) co_await pause(by->schedule_delay);
      do {
        auto batch = queue.take(by->max_batch_spans);
        if (batch.spans == 0) break;
        if (!batch.console.empty()) console.write(batch.console);
        if (by->to_otlp)
          co_await send(batch);
        else
          queue.add_exported(batch.spans);
      } while (is_finishing || queue.size() >= by->max_batch_spans);
    }
  }

  awaitable<void> pause(std::chrono::milliseconds longest) {
    timer.expires_after(longest);
    co_await timer.async_wait(use_await);
  }

  /// One batch, with some patience. Ends with its spans taken or dropped.
  awaitable<void> send(const trace::span_batch& batch) {
    auto call = collector;
    call.body = trace::otlp_request(*by, batch.otlp);
    if (by->is_compressed) compress(call);
    const auto deadline = base::clock::now() + by->export_timeout;
    for (std::chrono::milliseconds rest = first_pause;;
         rest = std::min<std::chrono::milliseconds>(2 * rest, longest_pause)) {
      call.timeout = std::min(by->timeout, left_until(deadline));
      const auto reply = co_await credentials::fetch(context, call);
      if (reply && reply->status >= 200 && reply->status < 300) co_return note_taken(batch, *reply);
      const bool may_retry = !reply || is_temporary(reply->status);
      note_failure(reply ? "status " + std::to_string(reply->status) : reply.error());
      if (!may_retry || is_finishing || left_until(deadline) <= rest) break;
      co_await pause(rest);
    }
    queue.add_failed(batch.spans);
  }

  static std::chrono::milliseconds left_until(base::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - base::clock::now());
    return std::max(left, std::chrono::milliseconds{1});
  }

  static void compress(credentials::http_call& call) {
    auto small = gzip(call.body);
    if (!small) return;
    call.body = std::move(*small);
    call.fields.push_back({"content-encoding", "gzip"});
  }

  void note_taken(const trace::span_batch& batch, const credentials::http_reply& reply) {
    const auto refused =
        std::min<std::uint64_t>(trace::rejected_spans(by->protocol, reply.body), batch.spans);
    queue.add_exported(batch.spans - refused);
    queue.add_failed(refused);
    if (refused != 0)
      log::warning("trace", "the collector refused " + std::to_string(refused) + " spans");
    if (std::exchange(is_failing, false))
      log::info("trace", "the collector at " + where() + " takes spans again");
  }

  void note_failure(const std::string& why) {
    queue.add_failed_export();
    if (std::exchange(is_failing, true)) return;
    log::warning("trace", "the collector at " + where() + " does not take spans: " + why +
                              ". They wait, and are dropped when they are too many");
  }

  std::string where() const {
    return (collector.is_tls ? "https://" : "http://") + credentials::authority(collector);
  }

  std::shared_ptr<const trace::settings> by;
  credentials::http_call collector;
  trace::span_queue queue;
  telemetry::fd_writer console{STDOUT_FILENO};
  asio::io_context context{1};
  steady_timer timer{context};
  bool is_finishing = false;  ///< on the thread only
  bool is_failing = false;
  std::promise<void> ended;
  std::thread thread;
};

trace_exporter::trace_exporter(std::unique_ptr<impl> made) : impl_{std::move(made)} {
  asio::co_spawn(impl_->context, impl_->run(), [state = impl_.get()](std::exception_ptr escaped) {
    if (escaped) log::error("trace", "the exporter has failed; no more spans are sent");
    state->ended.set_value();
  });
  impl_->thread = std::thread{[state = impl_.get()] { state->context.run(); }};
}

trace_exporter::~trace_exporter() { finish(std::chrono::milliseconds{0}); }

base::result<std::unique_ptr<trace_exporter>, std::string> trace_exporter::start(
    std::shared_ptr<const trace::settings> by) {
  credentials::http_call collector;
  if (by->to_otlp) {
    auto parsed = credentials::parse_url(by->endpoint);
    if (!parsed) return "OTEL_EXPORTER_OTLP_ENDPOINT: " + parsed.error().reason;
    collector = std::move(*parsed);
  }
  return std::unique_ptr<trace_exporter>{
      new trace_exporter{std::make_unique<impl>(std::move(by), std::move(collector))}};
}

std::unique_ptr<trace::tracer> trace_exporter::make_tracer(std::uint64_t seed) {
  return std::make_unique<trace::tracer>(impl_->by, impl_->queue, seed);
}

void trace_exporter::finish(std::chrono::milliseconds limit) {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context, [state = impl_.get()] {
    state->is_finishing = true;
    state->timer.cancel();
  });
  if (impl_->ended.get_future().wait_for(limit) != std::future_status::ready) impl_->context.stop();
  impl_->thread.join();
  impl_->console.flush();
  impl_->queue.add_failed(impl_->queue.take(SIZE_MAX).spans);
  const auto counts = impl_->queue.count();
  if (counts.dropped_full + counts.dropped_failed != 0)
    log::warning("trace", std::to_string(counts.dropped_full + counts.dropped_failed) +
                              " spans were lost in all: " + std::to_string(counts.dropped_full) +
                              " to a full queue, " + std::to_string(counts.dropped_failed) +
                              " that the collector did not take");
}

void trace_exporter::expose(telemetry::exposition& out) const {
  const auto counts = impl_->queue.count();
  using telemetry::metric_type;
  out.family("understudy_trace_spans_exported", metric_type::counter,
             "Spans that the collector has taken.");
  out.sample({}, counts.exported);
  out.family("understudy_trace_spans_dropped", metric_type::counter,
             "Spans that were lost: the queue was full, or the collector did not take them.");
  out.sample({{"reason", "queue_full"}}, counts.dropped_full);
  out.sample({{"reason", "export_failed"}}, counts.dropped_failed);
  out.family("understudy_trace_exports_failed", metric_type::counter,
             "Attempts to send spans that failed.");
  out.sample({}, counts.failed_exports);
  out.family("understudy_trace_spans_queued", metric_type::gauge, "Spans that wait to be sent.");
  out.sample({}, std::uint64_t{impl_->queue.size()});
}

std::string trace_exporter::describe() const {
  const auto& by = *impl_->by;
  std::string text = "traces go to ";
  if (by.to_otlp)
    text += impl_->where() + " (" +
            (by.protocol == trace::otlp_protocol::http_json ? "http/json" : "http/protobuf") + ")";
  if (by.to_console) text += by.to_otlp ? " and standard output" : "standard output";
  text += by.names == trace::convention::gen_ai ? "; names of gen_ai" : "; names of openinference";
  text += by.content.has_inputs || by.content.has_outputs ? "; with content" : "; without content";
  return text;
}

}  // namespace understudy::daemon
