#include <understudy/demo/providers.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "demo/server.hpp"

namespace understudy::demo {
namespace {

constexpr std::string_view primary_name = "primary (simulated OpenAI)";
constexpr std::string_view fallback_name = "fallback (simulated Amazon Bedrock)";

}  // namespace

struct providers::impl {
  impl(options chosen, std::function<void(const phase&)> on_phase_)
      : wanted{std::move(chosen)},
        on_phase{std::move(on_phase_)},
        next_phase{context.get_executor()},
        primary{context, [this](const question& asked) { return answer_primary(asked); },
                wanted.pace},
        fallback{context,
                 [](const question& asked) { return answer_bedrock(asked, fallback_name); },
                 wanted.pace} {}

  answer answer_primary(const question& asked) const {
    if (current == behaviour::server_error)
      return openai_error(500, "server_error", "The server had an error (simulated).");
    if (current == behaviour::rate_limited) {
      auto given = openai_error(429, "rate_limit_exceeded", "Rate limit reached (simulated).");
      given.fields.push_back({"retry-after", "10"});
      return given;
    }
    return answer_openai(asked, primary_name);
  }

  void apply(behaviour what) {
    current = what;
    primary.hang(what == behaviour::hanging);
    if (what == behaviour::refusing)
      primary.refuse();
    else
      primary.listen();
  }

  task<> play() {
    for (std::size_t i = 0;; i = (i + 1) % wanted.schedule.size()) {
      const auto now = wanted.schedule[i];
      apply(now.what);
      if (on_phase) on_phase(now);
      next_phase.expires_after(now.length);
      co_await next_phase.async_wait(as_result);
      if (is_schedule_over) co_return;
    }
  }

  options wanted;
  std::function<void(const phase&)> on_phase;
  asio::io_context context{1};
  timer next_phase;
  behaviour current = behaviour::healthy;
  bool is_schedule_over = false;
  server primary, fallback;
  std::thread thread;
};

providers::providers(options chosen, std::function<void(const phase&)> on_phase)
    : impl_{std::make_unique<impl>(std::move(chosen), std::move(on_phase))} {}

providers::~providers() { stop(); }

base::result<ports> providers::start() {
  auto& self = *impl_;
  if (const auto ec = self.primary.open(self.wanted.primary_port)) return ec;
  if (const auto ec = self.fallback.open(self.wanted.fallback_port)) return ec;
  if (!self.wanted.schedule.empty())
    asio::co_spawn(self.context.get_executor(), self.play(), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  self.thread = std::thread{[&self] { self.context.run(); }};
  return ports{self.primary.port(), self.fallback.port()};
}

void providers::show(behaviour what) {
  asio::post(impl_->context.get_executor(), [self = impl_.get(), what] {
    self->is_schedule_over = true;
    self->next_phase.cancel();
    self->apply(what);
  });
}

void providers::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context.get_executor(), [self = impl_.get()] {
    self->is_schedule_over = true;
    self->next_phase.cancel();
    self->primary.close();
    self->fallback.close();
  });
  impl_->thread.join();
}

}  // namespace understudy::demo
