#include <understudy/admin/requests.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <understudy/proxy/cluster_state.hpp>
#include <understudy/telemetry/text.hpp>

#include "admin/story_words.hpp"
#include "admin/uri.hpp"

namespace understudy::admin {
namespace {

using json = nlohmann::ordered_json;
using proxy::story_entry;
using proxy::story_step;
using telemetry::request_story;

/// With three decimals, as in the access log.
double in_milliseconds(base::duration d) {
  return std::round(std::chrono::duration<double, std::milli>(d).count() * 1'000) / 1'000;
}

json or_null(std::string_view text) { return text.empty() ? json(nullptr) : json(text); }

std::string place(const plan::source_position& p) {
  return p.file.empty() ? ""
                        : p.file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
}

std::string_view backend_name(const request_story& s, std::uint32_t locality) {
  return s.card && locality < s.card->backends.size()
             ? std::string_view{s.card->backends[locality].name}
             : std::string_view{"?"};
}

/// The steps that begin an attempt, each with its record; the rare one that never ran has none.
template <class Each>
void each_attempt(const request_story& s, Each&& each) {
  std::size_t n = 0;
  for (const auto& e : s.entries) {
    if (e.step != story_step::attempt || n >= s.attempts.size()) continue;
    each(n, e, s.attempts[n]);
    ++n;
  }
}

json summary(const request_story& s) {
  json out;
  out["id"] = s.request_id;
  out["time"] = telemetry::timestamp(s.start);
  out["method"] = or_null(s.method);
  out["path"] = or_null(s.path);
  out["route"] = s.card ? json(s.card->route) : json(nullptr);
  out["model"] = or_null(s.model);
  out["stream"] = s.is_stream;
  out["status"] = s.status;
  out["origin"] =
      s.origin == telemetry::error_origin::none ? json(nullptr) : json(telemetry::name(s.origin));
  out["details"] = or_null(s.details);
  out["flags"] = or_null(s.flags);
  out["duration_ms"] = in_milliseconds(s.elapsed);
  out["first_byte_ms"] = in_milliseconds(s.time_to_first_byte);
  out["attempts_total"] = s.attempts_total;
  return out;
}

json short_attempts(const request_story& s) {
  json out = json::array();
  each_attempt(s, [&](std::size_t, const story_entry& e, const request_story::attempt& a) {
    json one;
    one["backend"] = backend_name(s, e.locality);
    one["priority"] = e.priority;
    one["outcome"] = telemetry::name(a.outcome);
    one["status"] = a.status;
    one["ms"] = in_milliseconds(a.elapsed);
    out.push_back(std::move(one));
  });
  return out;
}

json lines(const std::vector<deciding_line>& from) {
  json out = json::array();
  for (const auto& line : from) {
    json one;
    one["setting"] = line.setting;
    one["object"] = or_null(line.origin.object);
    one["field"] = or_null(line.origin.field);
    one["at"] = or_null(place(line.origin.at));
    one["default"] = line.origin.is_default;
    out.push_back(std::move(one));
  }
  return out;
}

json tokens(const translate::token_usage& usage) {
  json out = json::object();
  const auto add = [&](const char* key, const std::optional<std::uint64_t>& value) {
    if (value) out[key] = *value;
  };
  add("input", usage.input);
  add("output", usage.output);
  add("total", usage.total);
  add("cached_input", usage.cached_input);
  add("cache_creation_input", usage.cache_creation_input);
  add("reasoning", usage.reasoning);
  return out;
}

/// Plays a story's steps in their order and writes them down.
class story_writer {
 public:
  explicit story_writer(const request_story& s) : story_{s} {
    if (s.card) state_ = s.card->state.lock();
  }

  json attempts() {
    json out = json::array();
    each_attempt(story_, [&](std::size_t n, const story_entry& e, const request_story::attempt& a) {
      out.push_back(attempt(n, e, a));
    });
    return out;
  }

  json steps() {
    json out = json::array();
    bool is_committed = story_.status == 0;
    for (const auto& e : story_.entries) {
      if (!is_committed && e.at > story_.time_to_first_byte) {
        out.push_back(commit());
        is_committed = true;
      }
      if (is_repeated_end(e)) continue;
      out.push_back(step(e));
    }
    if (!is_committed) out.push_back(commit());
    if (story_.details == "downstream_gone") out.push_back(client_left());
    return out;
  }

 private:
  std::string address(const story_entry& e) const {
    return state_ ? state_->host(e.host, e.locality).address : std::string{};
  }

  json attempt(std::size_t n, const story_entry& e, const request_story::attempt& a) {
    json out;
    out["number"] = n + 1;
    out["backend"] = backend_name(story_, e.locality);
    out["priority"] = e.priority;
    out["endpoint"] = or_null(address(e));
    out["started_ms"] = in_milliseconds(e.at);
    out["duration_ms"] = in_milliseconds(a.elapsed);
    out["outcome"] = telemetry::name(a.outcome);
    out["status"] = a.status;
    out["beside"] = e.slot == 1;
    out["reused_connection"] = a.is_reused;
    out["sent_again_after_stale_connection"] = a.is_replayed;
    out["trial"] = e.is_trial;
    out["panic"] = e.is_panic;
    out["priority_load_percent"] = e.load_percent;
    out["per_try_timeout_ms"] =
        e.length.count() == 0 ? json(nullptr) : json(in_milliseconds(e.length));
    if (a.abandoned_tokens != 0) out["abandoned_tokens"] = a.abandoned_tokens;
    return out;
  }

  /// The end of what has ended already: nothing to tell.
  bool is_repeated_end(const story_entry& e) {
    const bool is_end = e.step == story_step::broke || e.step == story_step::completed;
    return is_end && std::exchange(has_ended_, true) && e.step == story_step::broke &&
           e.ending == resilience::attempt_planner::ending::downstream_gone;
  }

  json step(const story_entry& e) {
    story_context in{.story = story_, .card = *story_.card};
    json out;
    out["at_ms"] = in_milliseconds(e.at);
    out["what"] = name(e.step);
    const std::size_t slot = e.slot == 1 ? 1 : 0;
    if (e.step == story_step::attempt) {
      in.attempt = last_outcome_;
      in.previous = last_;
      open_[slot] = last_ = &e;
      number_[slot] = ++count_;
      has_ended_ = false;
    } else {
      in.attempt = open_[slot];
    }
    if (e.step == story_step::outcome) {
      last_outcome_ = &e;
      const bool has_failed = e.next != resilience::next_step::accept;
      if (has_failed && failures_ < story_.causes.size()) in.cause = story_.causes[failures_++];
    }
    if (number_[slot] != 0 && e.step != story_step::wait && e.step != story_step::gave_up)
      out["attempt"] = number_[slot];
    auto told = tell(e, in);
    out["text"] = std::move(told.text);
    out["decided_by"] = lines(told.decided_by);
    return out;
  }

  json commit() const {
    json out;
    out["at_ms"] = in_milliseconds(story_.time_to_first_byte);
    out["what"] = "commit";
    out["text"] = "the first byte goes to the client; from here on no other answer can take over";
    out["decided_by"] = story_.card && story_.card->is_ai
                            ? lines({line_of(plan::setting::first_token_hold, *story_.card)})
                            : json::array();
    return out;
  }

  json client_left() const {
    json out;
    out["at_ms"] = in_milliseconds(story_.elapsed);
    out["what"] = "client_left";
    out["text"] = "the client left; what was under way is cancelled and charged to nobody";
    out["decided_by"] = json::array();
    return out;
  }

  const request_story& story_;
  std::shared_ptr<proxy::cluster_state> state_;
  std::array<const story_entry*, 2> open_{};
  std::array<std::size_t, 2> number_{};
  const story_entry* last_ = nullptr;
  const story_entry* last_outcome_ = nullptr;
  std::size_t count_ = 0;
  std::size_t failures_ = 0;
  bool has_ended_ = false;
};

std::string text_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string requests_json(const std::vector<request_story>& stories, std::size_t kept) {
  json out;
  out["kept"] = kept;
  out["requests"] = json::array();
  for (const auto& s : stories) {
    auto one = summary(s);
    one["attempts"] = short_attempts(s);
    out["requests"].push_back(std::move(one));
  }
  return text_of(out);
}

std::string story_json(const request_story& s) {
  auto out = summary(s);
  out["client"] = or_null(s.client);
  out["listener"] = or_null(s.listener);
  out["bytes_received"] = s.bytes_received;
  out["bytes_sent"] = s.bytes_sent;
  out["tokens"] = tokens(s.usage);
  out["generation"] = s.card ? json(s.card->generation) : json(nullptr);
  out["rule"] = s.card ? json(s.card->rule) : json(nullptr);
  out["source"] = s.card ? or_null(place(s.card->position)) : json(nullptr);
  out["commit_ms"] = s.status == 0 ? json(nullptr) : json(in_milliseconds(s.time_to_first_byte));
  story_writer writer{s};
  out["attempts"] = writer.attempts();
  out["story"] = s.card ? writer.steps() : json::array();
  return text_of(out);
}

}  // namespace understudy::admin
