#include <understudy/proxy/exchange.hpp>

#include <type_traits>

namespace understudy::proxy {

template <class Decide>
auto exchange::decide(Decide&& body) {
  using value = std::invoke_result_t<Decide, std::optional<resilience::attempt_planner>&>;
  std::vector<resilience::health_event> events;
  const auto report = [&] {
    if (!events.empty()) observer_->on_health(cluster_, std::move(events));
  };
  std::unique_lock lock{cluster_->mutex()};
  if constexpr (std::is_void_v<value>) {
    body(planner_);
    events = cluster_->unlocked_cluster().take_events();
    lock.unlock();
    report();
  } else {
    auto decided = body(planner_);
    events = cluster_->unlocked_cluster().take_events();
    lock.unlock();
    report();
    return decided;
  }
}

resilience::decision exchange::open(std::shared_ptr<cluster_state> cluster,
                                    health_observer& observer,
                                    const resilience::request_limits& limits, time_point start,
                                    time_point now) {
  cluster_ = std::move(cluster);
  observer_ = &observer;
  return decide([&](auto& planner) {
    planner.emplace(cluster_->unlocked_cluster(), cluster_->unlocked_random(), limits, start);
    return planner->next(now);
  });
}

void exchange::close() {
  if (!planner_) return;
  {
    const std::scoped_lock lock{cluster_->mutex()};
    planner_.reset();
  }
  cluster_.reset();
}

resilience::decision exchange::next(time_point now) {
  return decide([&](auto& planner) { return planner->next(now); });
}

resilience::decision exchange::hedge(time_point now) {
  return decide([&](auto& planner) { return planner->hedge(now); });
}

void exchange::on_connected(time_point now, slot_number slot) {
  decide([&](auto& planner) { planner->on_connected(now, slot); });
}

resilience::decision exchange::on_outcome(const resilience::outcome& result, time_point now,
                                          slot_number slot) {
  const bool has_content = result.what == resilience::failure_class::status && result.status < 300;
  return decide([&](auto& planner) {
    if (has_content) planner->on_content(now, slot);
    return planner->on_outcome(result, now, slot);
  });
}

void exchange::cancel(time_point now, slot_number slot) {
  decide([&](auto& planner) { planner->cancel(now, slot); });
}

void exchange::end(ending how, time_point now) {
  decide([&](auto& planner) { planner->end(how, now); });
}

resilience::decision exchange::resume(ending how, time_point now) {
  return decide([&](auto& planner) { return planner->resume(how, now); });
}

bool may_replay(translate::operation op, std::string_view method) {
  using translate::operation;
  switch (op) {
    case operation::responses:
      return false;  // stored by default, a second one would remain
    case operation::openai_other:
    case operation::anthropic_other:
    case operation::cohere_other:
    case operation::unknown:
      return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
             method == "DELETE" || method == "TRACE";
    default:
      return true;
  }
}

}  // namespace understudy::proxy
