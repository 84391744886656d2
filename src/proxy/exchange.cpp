#include <understudy/proxy/exchange.hpp>

#include <type_traits>

namespace understudy::proxy {

template <class Decide>
auto exchange::decide(Decide&& body, time_point now) {
  using value = std::invoke_result_t<Decide, std::optional<resilience::attempt_planner>&>;
  std::vector<resilience::health_event> events;
  const auto report = [&] {
    if (events.empty()) return;
    if (keeps_story_) note(events, now);
    observer_->on_health(cluster_, std::move(events));
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

// ---- the story ----------------------------------------------------------------------------

story_entry* exchange::add(story_step step, time_point now) {
  if (!keeps_story_ || story_.size() >= max_story_entries) return nullptr;
  auto& entry = story_.emplace_back();
  entry.step = step;
  entry.at = now - start_;
  return &entry;
}

/// Only what this request has brought about: endpoints return by the clock.
void exchange::note(std::span<const resilience::health_event> events, time_point now) {
  using kind = resilience::health_event::kind;
  for (const auto& e : events) {
    if (e.what != kind::ejected && e.what != kind::ejection_refused) continue;
    auto* entry =
        add(e.what == kind::ejected ? story_step::ejected : story_step::ejection_refused, now);
    if (entry == nullptr) return;
    entry->host = e.host;
    entry->locality = e.locality;
    entry->detector = e.detector;
    entry->length = e.ejection_time;
  }
}

resilience::decision exchange::told(const resilience::decision& d, time_point now) {
  using resilience::next_step;
  if (!keeps_story_) return d;
  if (d.step == next_step::attempt) {
    if (auto* entry = add(story_step::attempt, now)) {
      entry->slot = d.slot;
      entry->host = d.target.host;
      entry->locality = d.target.locality;
      entry->priority = d.target.priority;
      entry->is_trial = d.target.is_trial;
      entry->is_panic = d.target.is_panic;
      entry->because = d.because;
      entry->load_percent = d.load_percent;
      entry->length = d.per_try_timeout.value_or(base::duration{});
      entry->speaks_by = d.hedge_after.value_or(d.first_token_timeout.value_or(base::duration{}));
    }
  } else if (d.step == next_step::wait) {
    if (auto* entry = add(story_step::wait, now)) {
      entry->because = d.because;
      entry->length = d.until - now;
    }
  } else if (d.step == next_step::give_up) {
    if (auto* entry = add(story_step::gave_up, now)) {
      entry->why = d.why;
      entry->because = d.because;
    }
  }
  return d;
}

resilience::decision exchange::open(std::shared_ptr<cluster_state> cluster,
                                    health_observer& observer,
                                    const resilience::request_limits& limits, time_point start,
                                    time_point now, bool keeps_story) {
  cluster_ = std::move(cluster);
  observer_ = &observer;
  story_.clear();
  keeps_story_ = keeps_story;
  start_ = start;
  const auto first = [&](auto& planner) {
    planner.emplace(cluster_->unlocked_cluster(), cluster_->unlocked_random(), limits, start);
    return planner->next(now);
  };
  return told(decide(first, now), now);
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
  return told(decide([&](auto& planner) { return planner->next(now); }, now), now);
}

resilience::decision exchange::hedge(time_point now) {
  const auto d = decide([&](auto& planner) { return planner->hedge(now); }, now);
  if (d.step == resilience::next_step::attempt) return told(d, now);
  if (d.why == resilience::stop_reason::none) return d;
  if (auto* entry = add(story_step::no_companion, now)) entry->why = d.why;
  return d;
}

void exchange::on_connected(time_point now, slot_number slot) {
  if (auto* entry = add(story_step::connected, now)) entry->slot = slot;
  decide([&](auto& planner) { planner->on_connected(now, slot); }, now);
}

resilience::decision exchange::on_outcome(const resilience::outcome& result, time_point now,
                                          slot_number slot) {
  const bool has_content = result.what == resilience::failure_class::status && result.status < 300;
  if (has_content)
    if (auto* entry = add(story_step::content, now)) entry->slot = slot;
  const auto place = story_.size();
  if (auto* entry = add(story_step::outcome, now)) {
    entry->slot = slot;
    entry->failure = result.what;
    entry->status = result.status;
    entry->is_context_window = result.is_context_window;
    entry->is_content_policy = result.is_content_policy;
    entry->length = result.retry_after.value_or(std::chrono::milliseconds{0});
  }
  const auto judge = [&](auto& planner) {
    if (has_content) planner->on_content(now, slot);
    return planner->on_outcome(result, now, slot);
  };
  const auto d = decide(judge, now);
  if (place < story_.size()) {
    story_[place].next = d.step;
    story_[place].why = d.why;
    story_[place].because = d.because;
  }
  return told(d, now);
}

void exchange::cancel(time_point now, slot_number slot) {
  if (auto* entry = add(story_step::superseded, now)) entry->slot = slot;
  decide([&](auto& planner) { planner->cancel(now, slot); }, now);
}

void exchange::end(ending how, time_point now) {
  const bool is_whole = how == ending::complete;
  if (auto* entry = add(is_whole ? story_step::completed : story_step::broke, now))
    entry->ending = how;
  decide([&](auto& planner) { planner->end(how, now); }, now);
}

resilience::decision exchange::resume(ending how, time_point now) {
  if (auto* entry = add(story_step::broke, now)) entry->ending = how;
  return told(decide([&](auto& planner) { return planner->resume(how, now); }, now), now);
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
